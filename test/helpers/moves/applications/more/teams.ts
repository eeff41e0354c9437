// A framework's teams: users with a current team, which is not the only one that they are in,
// invitations, tokens and notifications by type with a backslash, soft deletes, failed jobs.
import type { RealApplication } from '../real-application.ts'

const morph = (type: string) => `App\\Models\\${type}`

export const teams: RealApplication = {
  tenantTable: 'teams',
  tenant: '1',
  schema: [
    `create table migrations (id serial primary key, migration varchar(255) not null, batch int not null)`,
    `create table users (id bigserial primary key, name varchar(255) not null, email varchar(255) not null unique, current_team_id bigint)`,
    `create table teams (id bigserial primary key, user_id bigint not null references users, name varchar(255) not null, personal_team boolean not null default false)`,
    `alter table users add foreign key (current_team_id) references teams on delete set null`,
    `create table team_user (id bigserial primary key, team_id bigint not null references teams on delete cascade, user_id bigint not null references users on delete cascade, role varchar(255), unique (team_id, user_id))`,
    `create table team_invitations (id bigserial primary key, team_id bigint not null references teams on delete cascade, email varchar(255) not null, unique (team_id, email))`,
    `create table projects (id bigserial primary key, team_id bigint not null references teams, name varchar(255) not null, deleted_at timestamp)`,
    `create table boards (id bigserial primary key, project_id bigint not null references projects on delete cascade, name varchar(255))`,
    `create table cards (id bigserial primary key, board_id bigint not null references boards on delete cascade, parent_id bigint references cards on delete set null,
      assignee_id bigint references users, title varchar(255) not null, position double precision not null default 0)`,
    `create index on cards (board_id)`,
    `create table card_user (card_id bigint not null references cards on delete cascade, user_id bigint not null references users on delete cascade, primary key (card_id, user_id))`,
    `create table comments (id bigserial primary key, commentable_type varchar(255) not null, commentable_id bigint not null, user_id bigint references users, body text not null)`,
    `create index on comments (commentable_id, commentable_type)`,
    `create table media (id bigserial primary key, model_type varchar(255) not null, model_id bigint not null, uuid uuid unique, collection_name varchar(255) not null, custom_properties json not null default '{}')`,
    `create index on media (model_id, model_type)`,
    `create table taggables (tag_id bigint not null, taggable_id bigint not null, taggable_type varchar(255) not null, unique (tag_id, taggable_id, taggable_type))`,
    `create index on taggables (taggable_id)`,
    `create table tags (id bigserial primary key, team_id bigint references teams on delete cascade, name json not null)`,
    `create index on tags (team_id)`,
    `create table notifications (id uuid primary key, type varchar(255) not null, notifiable_type varchar(255) not null, notifiable_id bigint not null, data text not null)`,
    `create table sessions (id varchar(255) primary key, user_id bigint, payload text not null)`,
    `create table failed_jobs (id bigserial primary key, uuid varchar(255) not null unique, payload text not null)`,
  ],
  seed: `
    insert into migrations values (1, 'x', 1);
    insert into users (id, name, email) select g, 'u', 'u' || g from generate_series(1, 8) g;
    insert into teams values (1, 1, 'one'), (2, 2, 'two');
    insert into users values (20, 'u', 'u20', 2);
    insert into team_user select g, 1 + g % 2, g, 'editor' from generate_series(1, 8) g;
    insert into team_user values (9, 2, 2, 'guest');
    insert into team_invitations select g, 1 + g % 2, 'i' || g from generate_series(1, 4) g;
    insert into projects select g, 1 + g % 2, 'p' from generate_series(1, 6) g;
    insert into boards select g, 1 + (g - 1) % 6, 'b' from generate_series(1, 8) g;
    insert into cards (id, board_id, assignee_id, title) select g, 1 + (g - 1) % 8, nullif(1 + g % 9, 9), 'c' from generate_series(1, 30) g;
    update cards set parent_id = id - 8 where id > 16;
    insert into card_user select id, 1 + id % 8 from cards;
    insert into comments select id, '${morph('Card')}', id, 1 + id % 8, 'c' from cards union all select 100 + id, '${morph('Project')}', id, 2, 'p' from projects;
    insert into media (id, model_type, model_id, uuid, collection_name) select id, '${morph('Card')}', id, md5('m' || id)::uuid, 'files' from cards where id % 3 = 0
      union all select 100 + id, '${morph('Comment')}', id, md5('n' || id)::uuid, 'files' from comments where id % 4 = 0;
    -- Of cards that are gone.
    insert into media (id, model_type, model_id, uuid, collection_name) values (900, '${morph('Card')}', 9999, md5('x')::uuid, 'files');
    insert into tags values (1, 1, '{"en": "a"}'), (2, 2, '{"en": "b"}'), (3, null, '{"en": "all"}');
    insert into taggables select b.project_id % 2 + 1, c.id, '${morph('Card')}' from cards c join boards b on b.id = c.board_id;
    insert into notifications select md5('n' || id)::uuid, 'x', '${morph('User')}', id, '{}' from users;
    insert into sessions select id::text, id, 'x' from users;
    insert into failed_jobs values (1, 'x', 'x')`,
  everybodys: ['users'],
  lines: [
    `columns: { drop: ['current_team_id'] }, leaveReferences: true }`,
    `nobody: 'stay' }`,
    `// decide: "notifiable_id" refers to rows that no tenant owns, by "notifiable_type"`,
  ],
  write(i) {
    const n = 1_000 + 10 * i
    return [
      `insert into users (id, name, email) values (${n}, 'n', 'n${i}')`,
      `insert into team_user values (${n}, 1, ${n}, 'editor')`,
      `delete from team_invitations where id = ${n - 10}`,
      `insert into team_invitations values (${n}, 1, 'n${i}')`,
      `insert into projects values (${n}, 1, 'n')`,
      `insert into boards values (${n}, ${n}, 'n')`,
      `insert into cards (id, board_id, parent_id, assignee_id, title) values (${n}, ${n}, 2, ${n}, 'n')`,
      `insert into card_user values (${n}, ${n})`,
      `insert into comments values (${n}, '${morph('Card')}', ${n}, ${n}, 'n')`,
      `insert into media (id, model_type, model_id, uuid, collection_name) values (${n}, '${morph('Comment')}', ${n}, md5('w${i}')::uuid, 'files')`,
      `insert into tags values (${n}, 1, '{"en": "n${i}"}')`,
      `insert into taggables values (${n}, ${n}, '${morph('Card')}')`,
      `update projects set deleted_at = '2026-03-03' where id = ${n - 10}`,
      `update cards set position = position + 0.1, board_id = ${n} where id in (2, ${n - 10})`,
      `update media set custom_properties = '{"n": ${i}}' where model_id = ${n - 10}`,
      ...(i % 4 === 3
        ? [
            `delete from taggables where taggable_id = ${n - 20}`,
            `delete from media where id = ${n - 20}`,
            `delete from comments where id = ${n - 20}`,
            `delete from cards where id = ${n - 20}`,
          ]
        : []),
    ]
  },
}
