// A code host: nested groups, partitions with keys of two columns, notes, members and routes by
// type, merge requests between two projects, references of commits that are no row.
import type { RealApplication } from '../real-application.ts'

export const codeHost: RealApplication = {
  tenantTable: 'organizations',
  tenant: '1',
  schema: [
    `create table organizations (id bigserial primary key, name text not null default '', path text not null unique)`,
    `create table users (id serial primary key, username varchar unique, email varchar not null unique, state varchar default 'active')`,
    `create table namespaces (id serial primary key, name varchar not null, path varchar not null, owner_id int references users on delete set null,
      type varchar not null default 'User', parent_id int references namespaces on delete cascade, traversal_ids int[] not null default '{}',
      organization_id bigint not null references organizations)`,
    `create index on namespaces (organization_id)`,
    `create unique index on namespaces (parent_id, path)`,
    `create table projects (id serial primary key, name varchar, namespace_id int not null references namespaces, creator_id int)`,
    `create index on projects (namespace_id)`,
    `create table project_features (id serial primary key, project_id int not null unique references projects on delete cascade, wiki int)`,
    `create table fork_networks (id serial primary key, root_project_id int unique references projects on delete set null)`,
    `create table fork_network_members (id serial primary key, fork_network_id int not null references fork_networks on delete cascade,
      project_id int not null unique references projects on delete cascade)`,
    `create table milestones (id serial primary key, title varchar not null, project_id int references projects on delete cascade,
      group_id int references namespaces on delete cascade, check ((project_id is null) <> (group_id is null)))`,
    `create index on milestones (project_id)`,
    `create index on milestones (group_id)`,
    `create table labels (id serial primary key, title varchar, project_id int references projects on delete cascade,
      group_id int references namespaces on delete cascade, template boolean default false)`,
    `create index on labels (project_id)`,
    `create index on labels (group_id)`,
    `create table issues (id serial primary key, iid int not null, title varchar, author_id int references users on delete set null,
      project_id int references projects on delete cascade, namespace_id int not null references namespaces on delete cascade,
      milestone_id int references milestones on delete set null, lock_version int default 0)`,
    `create unique index on issues (project_id, iid)`,
    `create index on issues (namespace_id)`,
    `create table issue_assignees (user_id int not null references users on delete cascade, issue_id int not null references issues on delete cascade,
      primary key (issue_id, user_id))`,
    `create table issue_links (id serial primary key, source_id int not null references issues on delete cascade, target_id int not null references issues on delete cascade)`,
    `create index on issue_links (source_id)`,
    `create table label_links (id serial primary key, label_id int references labels on delete cascade, target_id int, target_type varchar)`,
    `create index on label_links (label_id)`,
    `create index on label_links (target_id, target_type)`,
    `create table merge_requests (id serial primary key, iid int, target_project_id int not null references projects on delete cascade,
      source_project_id int references projects on delete set null, latest_diff_id int, title varchar)`,
    `create unique index on merge_requests (target_project_id, iid)`,
    `create table merge_request_diffs (id serial primary key, merge_request_id int not null references merge_requests on delete cascade, head varchar)`,
    `create index on merge_request_diffs (merge_request_id)`,
    `alter table merge_requests add foreign key (latest_diff_id) references merge_request_diffs on delete set null`,
    `create table merge_request_diff_files (merge_request_diff_id int not null references merge_request_diffs on delete cascade, relative_order int not null,
      new_path text, diff text, primary key (merge_request_diff_id, relative_order))`,
    `create table notes (id bigserial primary key, note text, noteable_type varchar, noteable_id bigint, author_id int, project_id int references projects on delete cascade,
      commit_id varchar, discussion_id varchar)`,
    `create index on notes (noteable_id, noteable_type)`,
    `create index on notes (project_id)`,
    `create table award_emoji (id serial primary key, name varchar, user_id int, awardable_type varchar, awardable_id bigint)`,
    `create index on award_emoji (awardable_type, awardable_id)`,
    `create index on award_emoji (awardable_id)`,
    `create table members (id serial primary key, access_level int not null, source_id int not null, source_type varchar not null, user_id int references users on delete cascade)`,
    `create index on members (source_id, source_type)`,
    `create table routes (id serial primary key, source_id int not null, source_type varchar not null, path varchar not null unique)`,
    `create unique index on routes (source_id, source_type)`,
    `create table p_ci_pipelines (id bigint not null, partition_id bigint not null, project_id int references projects on delete cascade, ref varchar,
      primary key (id, partition_id)) partition by list (partition_id)`,
    `create table ci_pipelines_100 partition of p_ci_pipelines for values in (100)`,
    `create table ci_pipelines_101 partition of p_ci_pipelines for values in (101)`,
    `create index on p_ci_pipelines (project_id)`,
    `create table p_ci_builds (id bigint not null, partition_id bigint not null, commit_id bigint, status varchar, name varchar,
      primary key (id, partition_id), foreign key (partition_id, commit_id) references p_ci_pipelines (partition_id, id) on update cascade on delete cascade)
      partition by list (partition_id)`,
    `create table ci_builds_100 partition of p_ci_builds for values in (100)`,
    `create table ci_builds_101 partition of p_ci_builds for values in (101)`,
    `create index on p_ci_builds (partition_id, commit_id)`,
    `create table p_ci_build_tags (id bigint not null, tag_id bigint, build_id bigint not null, partition_id bigint not null, primary key (id, partition_id),
      foreign key (partition_id, build_id) references p_ci_builds (partition_id, id) on delete cascade) partition by list (partition_id)`,
    `create table ci_build_tags_100 partition of p_ci_build_tags for values in (100, 101)`,
    `create index on p_ci_build_tags (partition_id, build_id)`,
    `create table application_settings (id serial primary key, signup_enabled boolean)`,
  ],
  seed: `
    insert into organizations values (1, 'one', 'one'), (2, 'two', 'two');
    insert into users select g, 'u' || g, 'u' || g || '@x' from generate_series(1, 8) g;
    insert into namespaces (id, name, path, type, organization_id, owner_id) select g, 'g' || g, 'g' || g, 'Group', 1 + g % 2, 1 from generate_series(1, 4) g;
    insert into namespaces (id, name, path, type, organization_id, parent_id, traversal_ids) select 10 + g, 's', 's' || g, 'Group', 1 + g % 2, g, array[g, 10 + g] from generate_series(1, 4) g;
    insert into projects select g, 'p' || g, case when g > 4 then 5 + g else g end, 1 from generate_series(1, 4) g;
    insert into projects select 10 + g, 'p', 10 + g, 2 from generate_series(1, 4) g;
    insert into project_features select id, id, 1 from projects;
    insert into fork_networks select id, id from projects where id < 3;
    insert into fork_network_members select id, id, id from projects where id < 3;
    insert into milestones (id, title, project_id) select id, 'm', id from projects;
    insert into milestones (id, title, group_id) select 100 + id, 'm', id from namespaces;
    insert into labels (id, title, project_id) select id, 'bug', id from projects;
    insert into labels (id, title, group_id) select 100 + id, 'doc', id from namespaces;
    insert into issues (id, iid, title, author_id, project_id, namespace_id, milestone_id) select 20 * p.id + g, g, 'i', g, p.id, p.namespace_id, p.id from projects p, generate_series(1, 4) g;
    insert into issue_assignees select 1 + id % 8, id from issues;
    insert into issue_links (id, source_id, target_id) select id, id, id + 1 from issues where iid < 4;
    insert into label_links (id, label_id, target_id, target_type) select id, project_id, id, 'Issue' from issues;
    insert into merge_requests (id, iid, target_project_id, source_project_id) select id, 1, id, id from projects;
    insert into merge_request_diffs select id, id, 'abc' from merge_requests;
    update merge_requests set latest_diff_id = id;
    insert into merge_request_diff_files select id, g, 'f', '+' from merge_request_diffs, generate_series(0, 1) g;
    insert into notes (id, note, noteable_type, noteable_id, author_id, project_id) select id, 'n', 'Issue', id, 1, project_id from issues;
    insert into notes (id, note, noteable_type, noteable_id, author_id, project_id) select 10000 + id, 'n', 'MergeRequest', id, 1, target_project_id from merge_requests;
    insert into notes (id, note, noteable_type, commit_id, project_id) select 20000 + id, 'n', 'Commit', 'abc', id from projects;
    insert into award_emoji (id, name, user_id, awardable_type, awardable_id) select id, 'up', 2, 'Note', id from notes where id % 2 = 0
      union all select 50000 + id, 'up', 3, 'Issue', id from issues;
    insert into members (id, access_level, source_id, source_type, user_id) select id, 40, id, 'Namespace', 1 + id % 8 from namespaces
      union all select 1000 + id, 30, id, 'Project', 1 + id % 8 from projects;
    insert into routes (id, source_id, source_type, path) select id, id, 'Namespace', path || id from namespaces
      union all select 1000 + id, id, 'Project', 'p' || id from projects;
    insert into p_ci_pipelines select 10 * p.id + g, 100 + g, p.id, 'main' from projects p, generate_series(0, 1) g;
    insert into p_ci_builds select 10 * id + g, partition_id, id, 'ok', 'b' from p_ci_pipelines, generate_series(1, 2) g;
    insert into p_ci_build_tags select id, 1, id, partition_id from p_ci_builds;
    insert into application_settings values (1, true)`,
  everybodys: ['users'],
  lines: [
    `table('notes', { through: 'project_id' })`,
    `table('p_ci_builds', { through: ['partition_id', 'commit_id'] })`,
    `table('milestones', { through: anyOf('group_id', 'project_id') })`,
  ],
  write(i) {
    const id = 100_000 + 10 * i
    return [
      `insert into users values (${id}, 'n${i}', 'n${i}@x')`,
      `insert into namespaces (id, name, path, type, organization_id, parent_id, owner_id) values (${id}, 'x', 'x${i}', 'Group', 1, 12, ${id})`,
      `insert into projects values (${id}, 'x', ${id}, ${id})`,
      `insert into project_features values (${id}, ${id}, 2)`,
      `insert into milestones (id, title, group_id) values (${id}, 'm', ${id})`,
      `insert into labels (id, title, project_id) values (${id}, 'x', ${id})`,
      `insert into issues (id, iid, title, author_id, project_id, namespace_id, milestone_id) values (${id}, 1, 'x', ${id}, ${id}, ${id}, ${id})`,
      `insert into issue_assignees values (${id}, ${id})`,
      `insert into issue_links (id, source_id, target_id) values (${id}, ${id}, 41)`,
      `insert into label_links values (${id}, ${id}, ${id}, 'Issue')`,
      `insert into merge_requests (id, iid, target_project_id, source_project_id) values (${id}, 1, ${id}, ${id})`,
      `insert into merge_request_diffs values (${id}, ${id}, 'x')`,
      `update merge_requests set latest_diff_id = ${id} where id = ${id}`,
      `insert into merge_request_diff_files values (${id}, 0, 'f', '-')`,
      `insert into notes (id, note, noteable_type, noteable_id, project_id) values (${id}, 'x', 'Issue', ${id}, ${id}), (${id + 1}, 'y', 'MergeRequest', ${id}, ${id})`,
      `insert into award_emoji values (${id}, 'up', ${id}, 'Note', ${id})`,
      `insert into members values (${id}, 30, ${id}, 'Project', ${id})`,
      `insert into routes values (${id}, ${id}, 'Namespace', 'r${i}')`,
      `insert into p_ci_pipelines values (${id}, 101, ${id}, 'x')`,
      `insert into p_ci_builds values (${id}, 101, ${id}, 'run', 'x')`,
      `insert into p_ci_build_tags values (${id}, 1, ${id}, 101)`,
      `update issues set lock_version = lock_version + 1 where project_id in (2, 12)`,
      `update notes set note = note || '.' where noteable_type = 'Issue' and noteable_id in (41, ${id - 10})`,
      `update namespaces set parent_id = ${id} where id = ${id - 10}`,
      ...(i % 4 === 3
        ? [
            `delete from award_emoji where id = ${id - 20}`,
            `delete from members where id = ${id - 20}`,
            `delete from notes where id = ${id - 19}`,
            `delete from p_ci_pipelines where id = ${id - 20}`,
          ]
        : []),
    ]
  },
}
