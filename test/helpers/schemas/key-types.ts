// Types whose keys can be written in several ways, or whose operators no search path finds: each as
// the key of a parent, and as the reference of its children.
//
// `words` is a schema of types with operators of their own, made by hand, as extensions make them.
import type { PlanInput } from '../../../src/plan/plan.ts'
import { table } from '../../../src/plan/plan.ts'

const words = `
  create schema words;
  create type words.word;
  create function words.word_in(cstring) returns words.word
    language internal immutable strict as 'textin';
  create function words.word_out(words.word) returns cstring
    language internal immutable strict as 'textout';
  create type words.word (input = words.word_in, output = words.word_out, like = text);
  create type words.pair as (number int, name text);
  ${['word', 'pair'].map(operators).join('\n')}`

/** Operators that compare in lower case. No search path has them. */
function operators(type: string): string {
  const text = (value: string) => `lower(${value}::text) collate "C"`
  const compare = ['<', '<=', '=', '>=', '>'].map((operator, i) => {
    const name = `${type}_${i}`
    const other = { '<': '>', '<=': '>=', '=': '=', '>=': '<=', '>': '<' }[operator]
    const merges = operator === '=' ? ', merges' : ''
    return `create function words.${name}(a words.${type}, b words.${type}) returns boolean
        language sql immutable strict as $f$ select ${text('a')} ${operator} ${text('b')} $f$;
      create operator words.${operator} (function = words.${name}, leftarg = words.${type},
        rightarg = words.${type}, commutator = operator(words.${other})${merges});`
  })
  return `${compare.join('\n')}
    create function words.${type}_order(a words.${type}, b words.${type}) returns int
      language sql immutable strict
      as $f$ select pg_catalog.bttextcmp(${text('a')}, ${text('b')}) $f$;
    create operator class words.${type}_ops default for type words.${type} using btree as
      operator 1 words.<, operator 2 words.<=, operator 3 words.=, operator 4 words.>=,
      operator 5 words.>, function 1 words.${type}_order(words.${type}, words.${type});`
}

const types = `
  create schema extensions;
  create extension citext schema extensions;
  create extension isn schema extensions;
  create extension ltree schema public;
  create extension hstore schema public;
  create collation any_case
    (provider = icu, locale = 'und-u-ks-level2', deterministic = false);
  create type rank as enum ('low', 'high');
  create domain extensions.login as extensions.citext check (value <> '');
  ${words};`

export interface KeyType {
  readonly type: string
  /** A key, the same key written in another way where there is one, and another key. */
  readonly keys: readonly [string, string, string]
}

/** Key types, by the names of the tables whose keys they are. */
export const keyTypes: Readonly<Record<string, KeyType>> = {
  by_citext: { type: 'extensions.citext', keys: ['alice', 'ALICE', 'bob'] },
  by_login: { type: 'extensions.login', keys: ['carol', 'Carol', 'dan'] },
  by_citexts: { type: 'extensions.citext[]', keys: ['{alice}', '{ALICE}', '{bob}'] },
  by_isbn: {
    type: 'extensions.isbn13',
    keys: ['9780306406157', '978-0-306-40615-7', '9783161484100'],
  },
  by_ltree: { type: 'ltree', keys: ['a.b', 'a.b', 'a.c'] },
  by_hstore: { type: 'hstore', keys: ['a=>1,b=>2', 'b=>2,a=>1', 'c=>3'] },
  by_cased: { type: 'text collate any_case', keys: ['Émile', 'éMILE', 'zoe'] },
  by_word: { type: 'words.word', keys: ['one', 'ONE', 'two'] },
  by_pair: { type: 'words.pair', keys: ['(1,one)', '(1,ONE)', '(2,two)'] },
  by_rank: { type: 'rank', keys: ['low', 'low', 'high'] },
  by_number: { type: 'numeric', keys: ['1.0', '1.000', '2'] },
  by_padded: { type: 'char(6)', keys: ['a', 'a  ', 'b'] },
  by_period: { type: 'int4range', keys: ['[1,4]', '[1,5)', '[7,9)'] },
}

export const keyTypeNames = Object.keys(keyTypes)

/** Those whose children have children of their own. */
export const deep: readonly string[] = ['by_citext', 'by_cased', 'by_word', 'by_number']

/** A parent, its children by a foreign key, and some of theirs: only the first has the tenant. */
export const keyTypesSql = `${types}
  ${Object.entries(keyTypes)
    .map(
      ([name, { type }]) => `
    create table ${name} (key ${type} primary key, tenant_id text not null, note text);
    create table ${name}_child (key ${type} references ${name}, id int, note text,
      primary key (key, id));
    ${
      deep.includes(name)
        ? `create table ${name}_leaf (key ${type}, id int, leaf int primary key, note text,
        foreign key (key, id) references ${name}_child (key, id));`
        : ''
    }`,
    )
    .join('\n')}`

export const keyTypeTables: PlanInput['tables'] = keyTypeNames.flatMap((name) => [
  table(name),
  table(`${name}_child`, { through: 'key' }),
  ...(deep.includes(name) ? [table(`${name}_leaf`, { through: ['key', 'id'] })] : []),
])

/** Parents of `acme`, whose children write the key in the other way; and one of another tenant. */
export function fillKeyTypes(name: string): string {
  const [key, same, other] = keyTypes[name]?.keys ?? []
  return `
    insert into ${name} values ('${key}', 'acme', 'acme'), ('${other}', 'umbra', 'umbra');
    insert into ${name}_child values ('${same}', 1, 'acme'), ('${key}', 2, 'acme'),
      ('${other}', 1, 'umbra');
    ${
      deep.includes(name)
        ? `insert into ${name}_leaf values ('${key}', 1, 1, 'acme'), ('${same}', 2, 2, 'acme'),
        ('${other}', 1, 3, 'umbra');`
        : ''
    }`
}
