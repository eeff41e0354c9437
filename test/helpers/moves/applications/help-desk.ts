// A help desk: no foreign keys but those of its file store, agents of several accounts, numbers of
// conversations from a sequence for each account, senders and files by type, tags on anything.
import type { RealApplication } from './real-application.ts'

const rails = (name: string, columns: string) =>
  `create table ${name} (id bigserial primary key, ${columns},
    created_at timestamp(6) not null default '2026-01-01', updated_at timestamp(6) not null default '2026-01-01')`

export const helpDesk: RealApplication = {
  tenantTable: 'accounts',
  tenant: '1',
  schema: [
    `create table schema_migrations (version varchar primary key)`,
    `create table ar_internal_metadata (key varchar primary key, value varchar)`,
    rails('accounts', `name varchar not null, locale int default 0, settings jsonb default '{}'`),
    rails('users', `email varchar not null, name varchar not null, ui_settings jsonb default '{}'`),
    `create unique index on users (email)`,
    rails('account_users', `account_id bigint, user_id bigint, role int default 0`),
    `create unique index on account_users (account_id, user_id)`,
    rails(
      'inboxes',
      `account_id int not null, channel_id int not null, channel_type varchar, name varchar not null`,
    ),
    rails('channel_web_widgets', `account_id int not null, website_url varchar, pre_chat jsonb`),
    rails('channel_email', `account_id int not null, email varchar not null`),
    rails('inbox_members', `user_id int not null, inbox_id int not null`),
    `create unique index on inbox_members (inbox_id, user_id)`,
    rails(
      'contacts',
      `account_id int not null, email varchar, custom_attributes jsonb default '{}'`,
    ),
    rails('contact_inboxes', `contact_id bigint, inbox_id bigint, source_id varchar not null`),
    `create index on contact_inboxes (contact_id)`,
    rails(
      'conversations',
      `account_id int not null, inbox_id int not null, status int not null default 0, assignee_id int,
      contact_id bigint, display_id int not null, uuid uuid not null default gen_random_uuid()`,
    ),
    `create unique index on conversations (account_id, display_id)`,
    rails(
      'messages',
      `content text, account_id int not null, inbox_id int not null, conversation_id int not null,
      sender_type varchar, sender_id bigint, content_attributes json default '{}'`,
    ),
    `create index on messages (conversation_id, account_id, created_at)`,
    rails(
      'attachments',
      `file_type int default 0, message_id int not null, account_id int not null`,
    ),
    rails('mentions', `user_id bigint not null, conversation_id bigint not null`),
    `create index on mentions (conversation_id)`,
    rails(
      'notifications',
      `account_id bigint not null, user_id bigint not null, primary_actor_type varchar not null,
      primary_actor_id bigint not null`,
    ),
    rails('tags', `name varchar, taggings_count int default 0`),
    `create unique index on tags (name)`,
    `create table taggings (id serial primary key, tag_id int, taggable_type varchar, taggable_id int,
      context varchar(128), created_at timestamp)`,
    `create unique index on taggings (tag_id, taggable_id, taggable_type, context)`,
    `create index on taggings (taggable_id, taggable_type, context)`,
    rails(
      'active_storage_blobs',
      `key varchar not null unique, filename varchar not null, byte_size bigint not null`,
    ),
    rails(
      'active_storage_attachments',
      `name varchar not null, record_type varchar not null, record_id bigint not null,
      blob_id bigint not null references active_storage_blobs`,
    ),
    `create unique index on active_storage_attachments (record_type, record_id, name, blob_id)`,
    `create index on active_storage_attachments (record_id)`,
    `create index on active_storage_attachments (blob_id)`,
    `create table active_storage_variant_records (id bigserial primary key,
      blob_id bigint not null references active_storage_blobs, variation_digest varchar not null,
      unique (blob_id, variation_digest))`,
    rails(
      'installation_configs',
      `name varchar not null, serialized_value jsonb not null default '{}'`,
    ),
    `create function app.accounts_after_insert() returns trigger language plpgsql as $$
      begin execute format('create sequence if not exists app.conv_dpid_seq_%s', new.id); return null; end $$`,
    `create trigger accounts_after_insert after insert on accounts for each row
      execute function app.accounts_after_insert()`,
    `create function app.conversations_before_insert() returns trigger language plpgsql as $$
      begin new.display_id := nextval('app.conv_dpid_seq_' || new.account_id); return new; end $$`,
    `create trigger conversations_before_insert before insert on conversations for each row
      when (new.display_id is null) execute function app.conversations_before_insert()`,
  ],
  seed: `
    insert into schema_migrations values ('20260101');
    insert into accounts (id, name) values (1, 'one'), (2, 'two');
    insert into users (id, email, name) select g, 'agent' || g || '@example.com', 'A' from generate_series(1, 6) g;
    insert into account_users (id, account_id, user_id) select g, 1 + g % 2, g from generate_series(1, 6) g;
    insert into account_users (id, account_id, user_id) values (7, 1, 1);
    insert into channel_web_widgets (id, account_id) values (1, 1), (2, 2);
    insert into channel_email (id, account_id, email) values (1, 1, 'a@example.com'), (2, 2, 'b@example.com');
    insert into inboxes (id, account_id, channel_id, channel_type, name)
      values (1, 1, 1, 'Channel::WebWidget', 'w'), (2, 2, 2, 'Channel::WebWidget', 'w'), (3, 1, 1, 'Channel::Email', 'e');
    insert into inbox_members (id, user_id, inbox_id) values (1, 1, 1), (2, 1, 2), (3, 2, 3);
    insert into contacts (id, account_id, email) select g, 1 + g % 2, 'c' || g from generate_series(1, 8) g;
    insert into contact_inboxes (id, contact_id, inbox_id, source_id) select g, g, 1 + g % 2, g from generate_series(1, 8) g;
    insert into conversations (id, account_id, inbox_id, assignee_id, contact_id, display_id, uuid)
      select g, 1 + g % 2, 1 + g % 2, 1, g, g, md5('v' || g)::uuid from generate_series(1, 8) g;
    insert into messages (id, content, account_id, inbox_id, conversation_id, sender_type, sender_id)
      select g, 'hi', 1 + g % 2, 1 + g % 2, 1 + (g - 1) % 8, case when g % 3 = 0 then 'User' else 'Contact' end, 1 + g % 6
      from generate_series(1, 40) g;
    insert into attachments (id, message_id, account_id) select id, id, account_id from messages where id % 4 = 0;
    insert into mentions (id, user_id, conversation_id) select id, 1, id from conversations;
    insert into notifications (id, account_id, user_id, primary_actor_type, primary_actor_id)
      select id, account_id, 1, 'Conversation', id from conversations;
    insert into tags (id, name) values (1, 'billing'), (2, 'bug');
    insert into taggings (id, tag_id, taggable_type, taggable_id, context)
      select id, 1 + id % 2, 'Conversation', id, 'labels' from conversations
      union all select 100 + id, 1, 'Contact', id, 'labels' from contacts;
    insert into active_storage_blobs (id, key, filename, byte_size) select g, 'k' || g, 'f', g from generate_series(1, 12) g;
    insert into active_storage_attachments (id, name, record_type, record_id, blob_id)
      select row_number() over (order by id), 'file', 'Attachment', id, row_number() over (order by id) from attachments;
    insert into installation_configs (name) values ('brand')`,
  everybodys: ['users', 'tags', 'active_storage_blobs'],
  lines: [
    `table('contacts')`,
    `table('contact_inboxes', { through: { contact_id: 'contacts.id' } })`,
    `shared('users', { referencedBy: ['account_users.user_id', 'inbox_members.user_id', 'mentions.user_id', 'notifications.user_id'] })`,
    `shared('tags', { referencedBy: 'taggings.tag_id' })`,
  ],
  write(i) {
    const id = 1_000 + 10 * i
    return [
      `insert into users (id, email, name) values (${id}, 'new${id}@example.com', 'N')`,
      `insert into account_users (id, account_id, user_id) values (${id}, 1, ${id})`,
      `insert into inbox_members (id, user_id, inbox_id) values (${id}, ${id}, 3)`,
      `insert into contacts (id, account_id, email) values (${id}, 1, 'x')`,
      `insert into contact_inboxes (id, contact_id, inbox_id, source_id) values (${id}, ${id}, 1, 's')`,
      // Files and tags before what they are of.
      `insert into active_storage_blobs (id, key, filename, byte_size) values (${id}, 'k${id}', 'f', 1)`,
      `insert into active_storage_attachments (id, name, record_type, record_id, blob_id)
        values (${id}, 'file', 'Attachment', ${id}, ${id})`,
      `insert into tags (id, name) values (${id}, 'tag ${id}')`,
      `insert into taggings (id, tag_id, taggable_type, taggable_id, context)
        values (${id}, ${id}, 'Conversation', ${id}, 'labels'), (${id + 1}, 1, 'Contact', ${id}, 'labels')`,
      `insert into conversations (id, account_id, inbox_id, assignee_id, contact_id, display_id, uuid)
        values (${id}, 1, 3, ${id}, ${id}, ${id}, '00000000-0000-4000-8000-${String(id).padStart(12, '0')}')`,
      `insert into messages (id, content, account_id, inbox_id, conversation_id, sender_type, sender_id)
        values (${id}, 'hello', 1, 3, ${id}, 'Contact', ${id}), (${id + 1}, 'yes', 1, 3, 1, 'User', ${id})`,
      `insert into attachments (id, message_id, account_id) values (${id}, ${id}, 1)`,
      `insert into mentions (id, user_id, conversation_id) values (${id}, ${id}, ${id})`,
      `update contacts set custom_attributes = custom_attributes || '{"n": ${i}}' where id in (2, ${id - 10})`,
      `update messages set content = content || '.' where conversation_id = 2`,
      ...(i % 4 === 3
        ? [
            `delete from active_storage_attachments where record_id = ${id - 20}`,
            `delete from attachments where message_id = ${id - 20}`,
            `delete from taggings where taggable_id = ${id - 20}`,
            `delete from mentions where conversation_id = ${id - 20}`,
            `delete from messages where conversation_id = ${id - 20}`,
            `delete from conversations where id = ${id - 20}`,
          ]
        : []),
    ]
  },
}
