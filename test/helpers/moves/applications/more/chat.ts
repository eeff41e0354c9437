// A chat: ids of 26 letters, no foreign keys, empty strings in place of nulls, direct channels
// that are of no team, replies, reactions and threads of posts, preferences by name.
import type { RealApplication } from '../real-application.ts'

const id = (kind: string, n: number) => `${kind}${String(n).padStart(25, '0')}`
const sqlId = (kind: string, n: string) => `('${kind}' || lpad((${n})::text, 25, '0'))`

export const chat: RealApplication = {
  tenantTable: 'teams',
  tenant: id('t', 1),
  schema: [
    `create table db_migrations (version bigint primary key, name varchar(64) not null)`,
    `create table systems (name varchar(64) primary key, value varchar(1024))`,
    `create table teams (id varchar(26) primary key, createat bigint, deleteat bigint default 0, displayname varchar(64), name varchar(64) unique)`,
    `create table users (id varchar(26) primary key, username varchar(64) unique, email varchar(128) unique, props jsonb, deleteat bigint default 0)`,
    `create table teammembers (teamid varchar(26) not null, userid varchar(26) not null, roles varchar(64), primary key (teamid, userid))`,
    `create table channels (id varchar(26) primary key, teamid varchar(26), type varchar(1), name varchar(64), creatorid varchar(128), deleteat bigint default 0, unique (name, teamid))`,
    `create index on channels (teamid)`,
    `create table channelmembers (channelid varchar(26) not null, userid varchar(26) not null, msgcount bigint default 0, notifyprops jsonb, primary key (channelid, userid))`,
    `create table posts (id varchar(26) primary key, createat bigint, deleteat bigint default 0, userid varchar(26), channelid varchar(26), rootid varchar(26), message varchar(65535), fileids varchar(300), props jsonb)`,
    `create index on posts (channelid, createat)`,
    `create index on posts (rootid)`,
    `create index on posts using gin (to_tsvector('english', message))`,
    `create table reactions (userid varchar(26) not null, postid varchar(26) not null, emojiname varchar(64) not null, channelid varchar(26) not null default '', deleteat bigint, primary key (postid, userid, emojiname))`,
    `create table threads (postid varchar(26) primary key, replycount bigint, participants jsonb, channelid varchar(26), threadteamid varchar(26))`,
    `create index on threads (channelid)`,
    `create table threadmemberships (postid varchar(26) not null, userid varchar(26) not null, following boolean, lastviewed bigint, primary key (postid, userid))`,
    `create table fileinfo (id varchar(26) primary key, creatorid varchar(26), postid varchar(26), channelid varchar(26), path varchar(512), content text)`,
    `create index on fileinfo (postid)`,
    `create table preferences (userid varchar(26) not null, category varchar(32) not null, name varchar(32) not null, value varchar(2000), primary key (userid, category, name))`,
    `create table sessions (id varchar(26) primary key, token varchar(26), userid varchar(26))`,
    `create table incomingwebhooks (id varchar(26) primary key, userid varchar(26), channelid varchar(26), teamid varchar(26), displayname varchar(64))`,
    `create table emoji (id varchar(26) primary key, creatorid varchar(26), name varchar(64), unique (name, id))`,
  ],
  seed: `
    insert into db_migrations values (1, 'x');
    insert into systems values ('v', '1');
    insert into teams (id, name) values ('${id('t', 1)}', 'one'), ('${id('t', 2)}', 'two');
    insert into users (id, username, email) select ${sqlId('u', 'g')}, 'u' || g, 'u' || g || '@x' from generate_series(1, 8) g;
    insert into teammembers select ${sqlId('t', '1 + g % 2')}, ${sqlId('u', 'g')}, 'user' from generate_series(1, 8) g;
    insert into channels (id, teamid, type, name, creatorid) select ${sqlId('c', 'g')}, ${sqlId('t', '1 + g % 2')}, 'O', 'c' || g, ${sqlId('u', '1 + g % 8')} from generate_series(1, 6) g;
    insert into channels (id, teamid, type, name, creatorid) values ('${id('c', 99)}', '', 'D', 'u1__u2', '');
    insert into channelmembers select ${sqlId('c', 'g')}, ${sqlId('u', '1 + (g + n) % 8')} from generate_series(1, 6) g, generate_series(0, 2) n;
    insert into posts (id, createat, userid, channelid, rootid, message) select ${sqlId('p', 'g')}, g, ${sqlId('u', '1 + g % 8')}, ${sqlId('c', '1 + g % 6')}, '', 'm' from generate_series(1, 40) g;
    insert into posts (id, createat, userid, channelid, rootid, message) select ${sqlId('p', '100 + g')}, g, ${sqlId('u', '1 + g % 8')}, ${sqlId('c', '1 + g % 6')}, ${sqlId('p', 'g')}, 'r' from generate_series(1, 40) g;
    insert into posts (id, createat, userid, channelid, rootid, message) values ('${id('p', 999)}', 1, '${id('u', 1)}', '${id('c', 99)}', '', 'direct');
    insert into reactions (userid, postid, emojiname, channelid) select userid, id, 'up', channelid from posts;
    insert into threads (postid, replycount, channelid) select id, 1, channelid from posts where rootid = '';
    insert into threadmemberships select id, userid, true, 1 from posts where rootid = '';
    insert into fileinfo (id, creatorid, postid, channelid) select 'f' || substr(id, 2), userid, id, channelid from posts where createat % 3 = 0;
    insert into preferences select id, 'theme', 'x', '{}' from users;
    insert into sessions select 's' || substr(id, 2), 'x', id from users;
    insert into incomingwebhooks select 'w' || substr(c.id, 2), c.creatorid, c.id, c.teamid, 'w' from channels c;
    insert into emoji values ('${id('e', 1)}', '${id('u', 1)}', 'party')`,
  changes: [`create index on incomingwebhooks (channelid)`],
  everybodys: ['users', 'emoji'],
  lines: [
    `tenantColumn: 'teamid'`,
    `table('fileinfo', { through: { postid: 'posts.id' } })`,
    `table('threads', {`,
  ],
  write(i) {
    const n = 10_000 + 10 * i
    const [user, channel, post, reply] = [id('u', n), id('c', n), id('p', n), id('p', n + 1)]
    return [
      `insert into users (id, username, email) values ('${user}', 'n${i}', 'n${i}@x')`,
      `insert into teammembers values ('${id('t', 1)}', '${user}', 'user')`,
      `insert into channels (id, teamid, type, name, creatorid) values ('${channel}', '${id('t', 1)}', 'P', 'n${i}', '${user}')`,
      `insert into channelmembers values ('${channel}', '${user}')`,
      `insert into posts (id, createat, userid, channelid, rootid, message) values ('${post}', ${n}, '${user}', '${channel}', '', 'hello'), ('${reply}', ${n}, '${id('u', 2)}', '${channel}', '${post}', 'yes')`,
      `insert into reactions (userid, postid, emojiname, channelid) values ('${user}', '${reply}', 'up', '${channel}')`,
      `insert into threads (postid, replycount, channelid) values ('${post}', 1, '${channel}')`,
      `insert into threadmemberships values ('${post}', '${user}', true, ${n})`,
      `insert into fileinfo (id, creatorid, postid, channelid) values ('${id('f', n)}', '${user}', '${post}', '${channel}')`,
      `insert into incomingwebhooks values ('${id('w', n)}', '${user}', '${channel}', '${id('t', 1)}', 'x')`,
      `update posts set message = message || '.', deleteat = ${n} where channelid = '${id('c', 2)}'`,
      `update channelmembers set msgcount = msgcount + 1 where channelid in ('${id('c', 4)}', '${id('c', n - 10)}')`,
      `update threads set replycount = replycount + 1 where postid = '${id('p', n - 10)}'`,
      `delete from reactions where postid = '${id('p', n - 9)}'`,
      ...(i % 4 === 3
        ? [
            `delete from fileinfo where postid = '${id('p', n - 20)}'`,
            `delete from posts where id = '${id('p', n - 19)}'`,
            `update posts set channelid = '${channel}' where id = '${id('p', n - 20)}'`,
          ]
        : []),
    ]
  },
}
