// Threads: replies know only the comment above them.
import type { RealApplication } from './real-application.ts'

export const threads: RealApplication = {
  tenantTable: 'communities',
  tenant: '1',
  schema: [
    `create table communities (id int primary key)`,
    `create table posts (id bigint primary key, community_id int not null references communities)`,
    `create table comments (id bigint primary key, post_id bigint references posts on delete cascade,
      parent_id bigint references comments on delete cascade, body text)`,
    `create table likes (comment_id bigint references comments on delete cascade, who int,
      primary key (comment_id, who))`,
    `create index on comments (post_id)`,
    `create index on comments (parent_id)`,
  ],
  seed: `
    insert into communities values (1), (2);
    insert into posts select g, 1 + g % 2 from generate_series(1, 9) g;
    insert into comments select g, g, null, 'root' from generate_series(1, 9) g;
    insert into comments select 10 + g, null, g, 'reply' from generate_series(1, 9) g;
    insert into comments select 20 + g, null, 10 + g, 'deep' from generate_series(1, 9) g;
    insert into likes select id, 1 from comments`,
  lines: [`table('comments', { through: anyOf('post_id', 'parent_id') })`],
  write(i) {
    const id = 1_000 + 10 * i
    return [
      `insert into posts values (${id}, 1)`,
      `insert into comments values (${id}, ${id}, null, 'root'), (${id + 1}, null, ${id}, 'reply'),
        (${id + 2}, null, ${id + 1}, 'deep')`,
      `insert into likes values (${id + 2}, 2)`,
      `update comments set body = body || '.' where id in (22, ${id - 29})`,
      ...(i % 3 === 1
        ? [`update comments set parent_id = ${id + 1} where id in (12, ${id - 9})`]
        : []),
      ...(i % 4 === 3 ? [`delete from posts where id = ${id - 20}`] : []),
    ]
  },
}
