// A CRM of quoted names in camel case: ids whose first three letters name the table, owners that
// are users or queues, activities about two rows of any kinds, a history of each row.
import type { RealApplication } from '../real-application.ts'

const id = (prefix: string, n: number) => `${prefix}${String(n).padStart(15, '0')}`
const sqlId = (prefix: string, n: string) => `('${prefix}' || lpad((${n})::text, 15, '0'))`
const audit = `"OwnerId" char(18) not null, "CreatedById" char(18) not null references "User", "IsDeleted" boolean not null default false,
  "SystemModstamp" timestamptz not null default '2026-01-01Z'`

export const crmObjects: RealApplication = {
  tenantTable: 'Organization',
  tenant: id('00D', 1),
  schema: [
    `create table "Organization" ("Id" char(18) primary key, "Name" varchar(80) not null)`,
    `create table "Profile" ("Id" char(18) primary key, "OrganizationId" char(18) not null references "Organization", "Name" varchar(255) not null)`,
    `create table "User" ("Id" char(18) primary key, "OrganizationId" char(18) not null references "Organization", "ProfileId" char(18) not null references "Profile",
      "ManagerId" char(18) references "User", "Username" varchar(80) not null unique)`,
    `create table "Group" ("Id" char(18) primary key, "OrganizationId" char(18) not null references "Organization", "Type" varchar(40) not null)`,
    `create table "GroupMember" ("Id" char(18) primary key, "GroupId" char(18) not null references "Group", "UserOrGroupId" char(18) not null)`,
    `create index on "GroupMember" ("GroupId")`,
    `create table "Account" ("Id" char(18) primary key, "OrganizationId" char(18) not null references "Organization", "ParentId" char(18) references "Account", "Name" varchar(255) not null, ${audit})`,
    `create table "Contact" ("Id" char(18) primary key, "OrganizationId" char(18) not null references "Organization", "AccountId" char(18) references "Account", "Email" varchar(80), ${audit})`,
    `create table "AccountHistory" ("Id" char(18) primary key, "AccountId" char(18) not null references "Account" on delete cascade, "Field" varchar(255) not null, "OldValue" text, "NewValue" text)`,
    `create index on "AccountHistory" ("AccountId")`,
    `create table "AccountShare" ("Id" char(18) primary key, "AccountId" char(18) not null references "Account" on delete cascade, "UserOrGroupId" char(18) not null, "AccessLevel" varchar(40) not null)`,
    `create index on "AccountShare" ("AccountId")`,
    `create table "Task" ("Id" char(18) primary key, "WhoId" char(18), "WhatId" char(18), "Subject" varchar(255), ${audit})`,
    `create index on "Task" ("WhoId")`,
    `create index on "Task" ("WhatId")`,
    `create index on "Task" ("CreatedById")`,
    `create table "ContentVersion" ("Id" char(18) primary key, "FirstPublishLocationId" char(18) not null, "VersionData" bytea)`,
    `create index on "ContentVersion" ("FirstPublishLocationId")`,
    `create table "PicklistValue" ("Id" char(18) primary key, "OrganizationId" char(18) references "Organization", "Label" varchar(255) not null)`,
  ],
  seed: `
    insert into "Organization" values ('${id('00D', 1)}', 'one'), ('${id('00D', 2)}', 'two');
    insert into "Profile" select ${sqlId('00e', 'g')}, ${sqlId('00D', '1 + g % 2')}, 'p' from generate_series(1, 4) g;
    insert into "User" select ${sqlId('005', 'g')}, ${sqlId('00D', '1 + g % 2')}, ${sqlId('00e', '1 + (g - 1) % 4')}, null, 'u' || g from generate_series(1, 8) g;
    update "User" set "ManagerId" = ${sqlId('005', `2`)} where "OrganizationId" = '${id('00D', 1)}' and "Id" > '${id('005', 2)}';
    insert into "Group" select ${sqlId('00G', 'g')}, ${sqlId('00D', '1 + g % 2')}, 'Queue' from generate_series(1, 4) g;
    insert into "GroupMember" select ${sqlId('011', 'g')}, ${sqlId('00G', '1 + (g - 1) % 4')}, ${sqlId('005', '1 + (g - 1) % 4')} from generate_series(1, 8) g;
    insert into "Account" select ${sqlId('001', 'g')}, ${sqlId('00D', '1 + g % 2')}, null, 'a', case when g % 4 < 2 then ${sqlId('005', '1 + g % 2 + 1')} else ${sqlId('00G', '1 + g % 2 + 1')} end, ${sqlId('005', '1 + (1 + g) % 2')} from generate_series(1, 10) g;
    insert into "Contact" select ${sqlId('003', 'g')}, ${sqlId('00D', '1 + g % 2')}, ${sqlId('001', '1 + (g - 1) % 10')}, 'c', ${sqlId('005', '1 + (1 + g) % 2')}, ${sqlId('005', '1 + (1 + g) % 2')} from generate_series(1, 20) g;
    insert into "AccountHistory" select ${sqlId('017', 'g')}, ${sqlId('001', '1 + (g - 1) % 10')}, 'Name', 'x', 'y' from generate_series(1, 20) g;
    insert into "AccountShare" select ${sqlId('00r', 'g')}, ${sqlId('001', 'g')}, ${sqlId('00G', '1 + (g - 1) % 4')}, 'Read' from generate_series(1, 10) g;
    insert into "Task" select ${sqlId('00T', 'g')}, case when g % 3 > 0 then ${sqlId('003', 'g')} end, case when g % 3 = 0 or g % 3 = 2 then ${sqlId('001', '1 + (g - 1) % 10')} end, 's', ${sqlId('005', '1 + (1 + g) % 2')}, ${sqlId('005', '1 + (1 + g) % 2')} from generate_series(1, 20) g;
    insert into "ContentVersion" select ${sqlId('068', 'g')}, case g % 3 when 0 then ${sqlId('001', '1 + (g - 1) % 10')} when 1 then ${sqlId('003', '1 + (g - 1) % 10')} else ${sqlId('00T', '1 + (g - 1) % 10')} end, '\\x01' from generate_series(1, 18) g;
    insert into "PicklistValue" select ${sqlId('4pv', 'g')}, case when g % 3 > 0 then ${sqlId('00D', 'g % 3')} end, 'l' from generate_series(1, 9) g`,
  decisions: [
    [
      `    table('Task',`,
      `    table('ContentVersion', { through: [{ FirstPublishLocationId: 'Account.Id', when: sql\`left(r."FirstPublishLocationId", 3) = '001'\` }, { FirstPublishLocationId: 'Contact.Id', when: sql\`left(r."FirstPublishLocationId", 3) = '003'\` }, { FirstPublishLocationId: 'Task.Id', when: sql\`left(r."FirstPublishLocationId", 3) = '00T'\` }] }),
    table('Task',`,
    ],
    [
      `    'ContentVersion',
`,
      '',
    ],
  ],
  lines: [
    `table('PicklistValue', { nobody: 'stay' })`,
    `table('Task', { through: 'CreatedById' })`,
  ],
  write(i) {
    const n = 1_000 + 10 * i
    const org = id('00D', 1)
    const user = id('005', n)
    const own = (owner: string) => `'${owner}', '${user}'`
    return [
      `insert into "Profile" values ('${id('00e', n)}', '${org}', 'n')`,
      `insert into "User" values ('${user}', '${org}', '${id('00e', n)}', '${id('005', 2)}', 'new${i}')`,
      `insert into "Group" values ('${id('00G', n)}', '${org}', 'Queue')`,
      `insert into "GroupMember" values ('${id('011', n)}', '${id('00G', n)}', '${user}')`,
      `insert into "Account" values ('${id('001', n)}', '${org}', '${id('001', 2)}', 'n', ${own(id('00G', n))})`,
      `insert into "Contact" values ('${id('003', n)}', '${org}', '${id('001', n)}', 'n', ${own(user)})`,
      `insert into "AccountHistory" values ('${id('017', n)}', '${id('001', n)}', 'Name', null, 'n')`,
      `insert into "AccountShare" values ('${id('00r', n)}', '${id('001', n)}', '${id('00G', n)}', 'Edit')`,
      `insert into "Task" values ('${id('00T', n)}', '${id('003', n)}', '${id('001', n)}', 'call', ${own(user)}), ('${id('00T', n + 1)}', null, null, 'alone', ${own(user)})`,
      `insert into "ContentVersion" values ('${id('068', n)}', '${id('00T', n)}', '\\x02'), ('${id('068', n + 1)}', '${id('003', n)}', '\\x03')`,
      `insert into "PicklistValue" values ('${id('4pv', n)}', '${org}', 'x')`,
      `update "Account" set "OwnerId" = '${user}', "Name" = "Name" || '.' where "OrganizationId" = '${org}' and "Id" < '${id('001', 20)}'`,
      `update "Task" set "WhoId" = null where "Id" = '${id('00T', n - 10)}'`,
      `update "ContentVersion" set "FirstPublishLocationId" = '${id('001', n)}' where "Id" = '${id('068', n - 10)}'`,
      ...(i % 4 === 3
        ? [
            `delete from "ContentVersion" where "Id" = '${id('068', n - 19)}'`,
            `delete from "Task" where "Id" = '${id('00T', n - 19)}'`,
          ]
        : []),
    ]
  },
}
