// Rails-style: comments and attachments name the table of what they belong to.
import type { RealApplication } from './real-application.ts'

export const rails: RealApplication = {
  tenantTable: 'companies',
  tenant: '1',
  schema: [
    `create table companies (id bigint primary key)`,
    `create table blog_posts (id bigint primary key, company_id bigint not null references companies)`,
    `create table tasks (id bigint primary key,
      blog_post_id bigint not null references blog_posts on delete cascade)`,
    `create table comments (id bigint primary key, subject_type varchar not null,
      subject_id bigint not null, body text)`,
    `create table attachments (id bigint primary key, record_type varchar not null,
      record_id bigint not null, name text)`,
    `create index on comments (subject_id, subject_type)`,
    `create index on attachments (record_id, record_type)`,
  ],
  seed: `
    insert into companies values (1), (2);
    insert into blog_posts select g, 1 + g % 2 from generate_series(1, 8) g;
    insert into tasks select g, g from generate_series(1, 8) g;
    insert into comments select g, 'Blog::BlogPost', g, 'p' from generate_series(1, 8) g;
    insert into comments select 10 + g, 'Task', g, 't' from generate_series(1, 8) g;
    insert into comments select 20 + g, 'Comment', 10 + g, 'c' from generate_series(1, 8) g;
    insert into attachments select id, 'Comment', id from comments;
    insert into attachments select 100 + g, 'Task', g from generate_series(1, 8) g`,
  lines: [
    "{ subject_id: 'blog_posts.id', when: sql`r.subject_type = 'Blog::BlogPost'` }",
    "{ subject_id: 'comments.id', when: sql`r.subject_type = 'Comment'` }",
    "{ record_id: 'tasks.id', when: sql`r.record_type = 'Task'` }",
  ],
  write(i) {
    const id = 1_000 + 10 * i
    return [
      `insert into blog_posts values (${id}, 1)`,
      `insert into comments values (${id}, 'Comment', ${id + 1}, 'early'), (${id + 1}, 'Task', ${id}, '')`,
      `insert into tasks values (${id}, ${id})`,
      `insert into attachments values (${id}, 'Comment', ${id}, 'a'), (${id + 1}, 'Task', ${id}, 'b')`,
      `update comments set subject_type = 'Blog::BlogPost', subject_id = ${id} where id in (12, ${id - 29})`,
      `update attachments set name = 'x' || ${i} where id in (2, ${id - 10})`,
      ...(i % 4 === 3
        ? [
            `delete from attachments where record_id = ${id - 20}`,
            `delete from comments where id = ${id - 20}`,
          ]
        : []),
    ]
  },
}
