// Scheduling with an ORM's names: quoted camel case, implicit join tables of columns A and B
// without a primary key, events of a team or of another event, text ids, arrays of enums.
import type { RealApplication } from '../real-application.ts'

export const scheduling: RealApplication = {
  tenantTable: 'Team',
  tenant: 'team1',
  schema: [
    `create type "Role" as enum ('MEMBER', 'ADMIN', 'OWNER')`,
    `create type "Weekday" as enum ('MON', 'TUE')`,
    `create table "_prisma_migrations" ("id" varchar(36) primary key, "checksum" varchar(64) not null)`,
    `create table "User" ("id" serial primary key, "email" text not null unique, "timeZone" text not null default 'UTC', "defaultScheduleId" int)`,
    `create table "Team" ("id" text primary key, "name" text not null, "slug" text, "logoFileId" text, "parentId" text)`,
    `create table "File" ("id" text primary key, "bytes" bytea)`,
    `alter table "Team" add foreign key ("logoFileId") references "File" on delete set null on update cascade`,
    `create unique index on "Team" ("logoFileId")`,
    `create table "Membership" ("id" serial primary key, "teamId" text not null references "Team" on delete cascade, "userId" int not null references "User" on delete cascade, "role" "Role" not null)`,
    `create unique index on "Membership" ("userId", "teamId")`,
    `create table "Schedule" ("id" serial primary key, "teamId" text not null references "Team" on delete cascade, "name" text not null)`,
    `create table "EventType" ("id" serial primary key, "title" text not null, "teamId" text references "Team" on delete cascade, "parentId" int references "EventType" on delete cascade,
      "scheduleId" int references "Schedule" on delete set null, "ownerId" int references "User", "days" "Weekday"[] not null default '{}', "metadata" jsonb)`,
    `create index on "EventType" ("teamId")`,
    `create index on "EventType" ("parentId")`,
    `create index on "EventType" ("scheduleId")`,
    `create table "Availability" ("id" serial primary key, "eventTypeId" int references "EventType" on delete cascade, "scheduleId" int references "Schedule" on delete cascade,
      "startTime" time not null, "date" date)`,
    `create index on "Availability" ("eventTypeId")`,
    `create index on "Availability" ("scheduleId")`,
    `create table "Booking" ("id" serial primary key, "uid" text not null unique, "eventTypeId" int references "EventType" on delete set null, "fromReschedule" text, "userId" int references "User")`,
    `create index on "Booking" ("eventTypeId")`,
    `create table "Attendee" ("id" serial primary key, "email" text not null, "bookingId" int references "Booking" on delete cascade)`,
    `create index on "Attendee" ("bookingId")`,
    `create table "BookingReference" ("id" serial primary key, "type" text not null, "bookingId" int references "Booking" on delete cascade, "deleted" boolean)`,
    `create index on "BookingReference" ("bookingId")`,
    `create table "Tag" ("id" text primary key, "teamId" text not null references "Team", "label" text not null)`,
    `create table "_EventTypeToTag" ("A" int not null references "EventType" on delete cascade on update cascade, "B" text not null references "Tag" on delete cascade on update cascade)`,
    `create unique index "_EventTypeToTag_AB_unique" on "_EventTypeToTag" ("A", "B")`,
    `create index "_EventTypeToTag_B_index" on "_EventTypeToTag" ("B")`,
    `create table "_EventTypeToUser" ("A" int not null references "EventType" on delete cascade, "B" int not null references "User" on delete cascade, constraint "_EventTypeToUser_AB_pkey" primary key ("A", "B"))`,
    `create table "Webhook" ("id" text primary key, "teamId" text references "Team" on delete cascade, "eventTypeId" int references "EventType" on delete cascade, "subscriberUrl" text not null)`,
    `create index on "Webhook" ("eventTypeId")`,
    `create index on "Webhook" ("teamId")`,
    `create table "App" ("slug" text primary key, "dirName" text not null unique)`,
    `create table "Credential" ("id" serial primary key, "teamId" text not null references "Team" on delete cascade, "appId" text references "App" on delete cascade, "key" jsonb not null)`,
  ],
  seed: `
    insert into "User" ("id", "email") select g, 'u' || g from generate_series(1, 8) g;
    insert into "File" values ('f1', '\\x01'), ('f2', '\\x02');
    insert into "Team" values ('team1', 'one', 'one', 'f1'), ('team2', 'two', 'two', 'f2');
    insert into "Membership" select g, 'team' || (1 + g % 2), g, 'MEMBER' from generate_series(1, 8) g;
    insert into "Schedule" select g, 'team' || (1 + g % 2), 's' from generate_series(1, 4) g;
    insert into "EventType" ("id", "title", "teamId", "scheduleId", "ownerId", "days") select g, 'e', 'team' || (1 + g % 2), g, g, '{MON,TUE}' from generate_series(1, 4) g;
    insert into "EventType" ("id", "title", "parentId", "ownerId") select 10 + g, 'child', g, g from generate_series(1, 4) g;
    insert into "Availability" ("id", "eventTypeId", "startTime") select g, 10 + g, '09:00' from generate_series(1, 4) g;
    insert into "Availability" ("id", "scheduleId", "startTime") select 10 + g, g, '09:00' from generate_series(1, 4) g;
    insert into "Booking" ("id", "uid", "eventTypeId", "userId") select 10 * e."id" + g, 'b' || e."id" || '-' || g, e."id", g from "EventType" e, generate_series(1, 3) g;
    insert into "Attendee" select "id", 'x', "id" from "Booking";
    insert into "BookingReference" select "id", 'zoom', "id", null from "Booking";
    insert into "Tag" select 'tag' || g, 'team' || (1 + g % 2), 'l' from generate_series(1, 4) g;
    insert into "_EventTypeToTag" select g, 'tag' || g from generate_series(1, 4) g;
    insert into "_EventTypeToUser" select "id", 1 + "id" % 8 from "EventType";
    insert into "Webhook" select 'w' || g, case when g % 4 < 2 then 'team' || (1 + g % 2) end, case when g % 4 > 1 then 10 + 1 + (g - 1) % 4 end, 'u' from generate_series(1, 8) g;
    insert into "App" values ('zoom', 'zoom'), ('teams', 'teams');
    insert into "Credential" select g, 'team' || (1 + g % 2), 'zoom', '{}' from generate_series(1, 4) g`,
  everybodys: ['"User"', '"App"'],
  lines: [
    `table('EventType', { through: anyOf('scheduleId', 'teamId', 'parentId') })`,
    `table('Webhook', { through: anyOf('eventTypeId', 'teamId') })`,
    `table('_EventTypeToTag', {`,
  ],
  write(i) {
    const n = 1_000 + 10 * i
    return [
      `insert into "User" ("id", "email") values (${n}, 'n${i}')`,
      `insert into "Membership" values (${n}, 'team1', ${n}, 'ADMIN')`,
      `insert into "Schedule" values (${n}, 'team1', 'n')`,
      `insert into "EventType" ("id", "title", "teamId", "ownerId") values (${n}, 'n', 'team1', ${n})`,
      `insert into "EventType" ("id", "title", "parentId", "ownerId") values (${n + 1}, 'c', ${n}, ${n})`,
      `insert into "Availability" ("id", "eventTypeId", "startTime") values (${n}, ${n + 1}, '10:00')`,
      `insert into "Booking" ("id", "uid", "eventTypeId", "userId") values (${n}, 'n${i}', ${n + 1}, ${n})`,
      `insert into "Attendee" values (${n}, 'a', ${n})`,
      `insert into "BookingReference" values (${n}, 'zoom', ${n}, false)`,
      `insert into "Tag" values ('n${i}', 'team1', 'x')`,
      `insert into "_EventTypeToTag" values (${n + 1}, 'n${i}')`,
      `insert into "_EventTypeToUser" values (${n}, ${n})`,
      `insert into "Webhook" values ('n${i}', null, ${n + 1}, 'x')`,
      `insert into "Credential" values (${n}, 'team1', 'teams', '{"i": ${i}}')`,
      `update "File" set "bytes" = "bytes" || '\\x00' where "id" = 'f1'`,
      `update "Availability" set "eventTypeId" = null, "scheduleId" = ${n} where "id" = ${n - 10}`,
      `update "Webhook" set "teamId" = 'team1', "eventTypeId" = null where "id" = 'n${i - 1}'`,
      `update "_EventTypeToTag" set "B" = 'n${i}' where "A" = ${n - 9}`,
      ...(i % 4 === 3
        ? [
            `delete from "Booking" where "id" = ${n - 20}`,
            `delete from "EventType" where "id" = ${n - 20}`,
          ]
        : []),
    ]
  },
}
