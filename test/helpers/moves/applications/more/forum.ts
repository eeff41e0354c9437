// A forum: no foreign key at all, tables without a primary key, soft deletes, fields by name, posts
// that answer posts, uploads that rows of several kinds refer to.
import type { RealApplication } from '../real-application.ts'

export const forum: RealApplication = {
  tenantTable: 'sites',
  tenant: '1',
  schema: [
    `create table schema_migrations (version varchar primary key)`,
    `create table sites (id serial primary key, name varchar not null)`,
    `create table users (id serial primary key, username varchar(60) not null, trust_level int not null default 0)`,
    `create unique index on users (lower(username))`,
    `create table site_users (site_id int not null, user_id int not null, admin boolean not null default false)`,
    `create unique index on site_users (site_id, user_id)`,
    `create table categories (id serial primary key, site_id int not null, parent_category_id int, name varchar(50) not null, topic_count int not null default 0)`,
    `create index on categories (site_id)`,
    `create unique index on categories (coalesce(parent_category_id, -1), site_id, lower(name))`,
    `create table topics (id serial primary key, title varchar not null, category_id int not null, user_id int not null,
      deleted_at timestamp, deleted_by_id int, archetype varchar not null default 'regular')`,
    `create index on topics (category_id) where deleted_at is null`,
    `create index on topics (category_id, id)`,
    `create table posts (id serial primary key, topic_id int not null, user_id int, post_number int not null,
      reply_to_post_number int, raw text not null, cooked text not null, deleted_at timestamp)`,
    `create unique index on posts (topic_id, post_number)`,
    `create table post_search_data (post_id int primary key, search_data tsvector, raw_data text)`,
    `create table post_replies (post_id int, reply_post_id int, created_at timestamp not null default '2026-01-01')`,
    `create unique index on post_replies (post_id, reply_post_id)`,
    `create table post_custom_fields (id serial primary key, post_id int not null, name varchar(256) not null, value text)`,
    `create index on post_custom_fields (post_id, name)`,
    `create table topic_users (user_id int not null, topic_id int not null, last_read_post_number int, notification_level int not null default 1)`,
    `create unique index on topic_users (topic_id, user_id)`,
    `create table post_action_types (id serial primary key, name_key varchar(50) not null)`,
    `create table post_actions (id serial primary key, post_id int not null, user_id int not null, post_action_type_id int not null, deleted_at timestamp)`,
    `create unique index on post_actions (user_id, post_action_type_id, post_id) where deleted_at is null`,
    `create index on post_actions (post_id)`,
    `create table tags (id serial primary key, site_id int not null, name varchar not null)`,
    `create table topic_tags (id serial primary key, topic_id int not null, tag_id int not null)`,
    `create unique index on topic_tags (topic_id, tag_id)`,
    `create table uploads (id serial primary key, site_id int not null, url varchar not null, sha1 varchar(40))`,
    `create table upload_references (id bigserial primary key, upload_id int not null, target_type varchar not null, target_id bigint not null)`,
    `create unique index on upload_references (upload_id, target_type, target_id)`,
    `create table bookmarks (id bigserial primary key, user_id bigint not null, bookmarkable_id int not null, bookmarkable_type varchar not null, name varchar)`,
    `create index on bookmarks (bookmarkable_id, bookmarkable_type)`,
    `create table stylesheet_cache (id serial primary key, target varchar not null, content text not null)`,
  ],
  seed: `
    insert into schema_migrations values ('1');
    insert into sites values (1, 'one'), (2, 'two');
    insert into users (id, username) select g, 'user' || g from generate_series(1, 8) g;
    insert into site_users select 1 + g % 2, g from generate_series(1, 8) g;
    insert into categories (id, site_id, name) select g, 1 + g % 2, 'c' || g from generate_series(1, 6) g;
    insert into categories (id, site_id, parent_category_id, name) select 10 + g, 1 + g % 2, g, 'sub' || g from generate_series(1, 6) g;
    insert into topics (id, title, category_id, user_id, deleted_at) select g, 't' || g, 1 + g % 6, 1 + g % 8,
      case when g % 7 = 0 then timestamp '2026-01-01' end from generate_series(1, 24) g;
    insert into posts (id, topic_id, user_id, post_number, reply_to_post_number, raw, cooked)
      select g, 1 + g % 24, nullif(1 + g % 9, 9), 1 + g / 24, nullif(g / 24, 0), 'r', '<p>r</p>' from generate_series(1, 90) g;
    insert into post_search_data select id, to_tsvector('simple', raw), raw from posts;
    insert into post_replies (post_id, reply_post_id) select p.id, r.id from posts p join posts r on r.topic_id = p.topic_id and r.reply_to_post_number = p.post_number;
    insert into post_custom_fields (id, post_id, name, value) select id, id, 'k', 'v' from posts where id % 3 = 0;
    insert into topic_users select distinct user_id, topic_id, 1 from posts where user_id is not null;
    insert into post_action_types values (1, 'bookmark'), (2, 'like');
    insert into post_actions (id, post_id, user_id, post_action_type_id) select id, id, 1 + id % 8, 1 + id % 2 from posts;
    insert into tags (id, site_id, name) values (1, 1, 'a'), (2, 2, 'b');
    insert into topic_tags (id, topic_id, tag_id) select t.id, t.id, c.site_id from topics t join categories c on c.id = t.category_id;
    insert into uploads (id, site_id, url) select g, 1 + g % 2, '/u' || g from generate_series(1, 10) g;
    insert into upload_references (id, upload_id, target_type, target_id) select p.id, 1 + (c.site_id + 1) % 2 + 1, 'Post', p.id
      from posts p join topics t on t.id = p.topic_id join categories c on c.id = t.category_id where p.id % 5 = 0;
    insert into bookmarks (id, user_id, bookmarkable_id, bookmarkable_type) select id, 1 + id % 8, id, 'Post' from posts where id % 4 = 0
      union all select 1000 + id, 1 + id % 8, id, 'Topic' from topics;
    insert into stylesheet_cache values (1, 'desktop', 'x')`,
  everybodys: ['users', 'post_action_types'],
  changes: [
    `alter table post_replies alter column post_id set not null, alter column reply_post_id set not null`,
  ],
  lines: [
    `table('topic_tags', { through: { topic_id: 'topics.id' } })`,
    `table('post_search_data', { through: { post_id: 'posts.id' } })`,
  ],
  write(i) {
    const id = 10_000 + 10 * i
    return [
      `insert into users (id, username) values (${id}, 'New${i}')`,
      `insert into site_users values (1, ${id})`,
      `insert into categories (id, site_id, name, parent_category_id) values (${id}, 1, 'n${i}', 12)`,
      `insert into topics (id, title, category_id, user_id) values (${id}, 'T', ${id}, ${id})`,
      `insert into posts (id, topic_id, user_id, post_number, raw, cooked) values (${id}, ${id}, ${id}, 1, 'a', 'a')`,
      `insert into posts (id, topic_id, user_id, post_number, reply_to_post_number, raw, cooked) values (${id + 1}, ${id}, 2, 2, 1, 'b', 'b')`,
      `insert into post_replies (post_id, reply_post_id) values (${id}, ${id + 1})`,
      `insert into post_search_data values (${id}, to_tsvector('simple', 'a'), 'a')`,
      `insert into post_custom_fields (id, post_id, name, value) values (${id}, ${id}, 'poll', '{}')`,
      `insert into topic_users values (${id}, ${id}, 2)`,
      `insert into post_actions (id, post_id, user_id, post_action_type_id) values (${id}, ${id}, 3, 2)`,
      `insert into tags (id, site_id, name) values (${id}, 1, 'x')`,
      `insert into topic_tags (id, topic_id, tag_id) values (${id}, ${id}, ${id})`,
      `insert into uploads (id, site_id, url) values (${id}, 1, 'u')`,
      `insert into upload_references (id, upload_id, target_type, target_id) values (${id}, ${id}, 'Post', ${id})`,
      `insert into bookmarks (id, user_id, bookmarkable_id, bookmarkable_type) values (${id}, ${id}, ${id}, 'Topic')`,
      `update topics set deleted_at = '2026-02-01', deleted_by_id = 2 where id = ${id - 10}`,
      `update topic_users set last_read_post_number = last_read_post_number + 1 where topic_id = ${id - 10}`,
      `update post_custom_fields set value = value || '.' where post_id in (select p.id from posts p join topics t on t.id = p.topic_id join categories c on c.id = t.category_id where c.site_id = 1 and p.id < 100)`,
      `delete from post_actions where post_id = ${id - 20} and user_id = 3`,
      ...(i % 5 === 4 ? [`update topics set category_id = ${id} where id = ${id - 20}`] : []),
    ]
  },
}
