// Accounting: keys of several columns everywhere, a company code as char(4), fiscal periods that
// must not overlap, generated amounts, charts of accounts that companies share.
import type { RealApplication } from '../real-application.ts'

export const accounting: RealApplication = {
  tenantTable: 'company_codes',
  tenant: '1000',
  schema: [
    `create domain amount as numeric(18, 2)`,
    `create table currencies (code char(3) primary key, digits int not null)`,
    `create table charts (code varchar(4) primary key, title text not null)`,
    `create table chart_accounts (chart varchar(4) not null references charts, account_no varchar(10) not null, title text not null, kind char(1) not null,
      primary key (chart, account_no))`,
    `create table company_codes (bukrs char(4) primary key, title text not null, chart varchar(4) not null references charts, currency char(3) not null references currencies)`,
    `create table fiscal_periods (bukrs char(4) not null references company_codes, year smallint not null, period smallint not null, during daterange not null,
      closed boolean not null default false, primary key (bukrs, year, period), exclude using gist (bukrs with =, during with &&))`,
    `create table business_partners (bukrs char(4) not null references company_codes, partner_no varchar(10) not null, name text not null,
      kind char(1) not null check (kind in ('D', 'K')), primary key (bukrs, partner_no))`,
    `create table ledger_accounts (bukrs char(4) not null references company_codes, chart varchar(4) not null, account_no varchar(10) not null, open_items boolean not null default false,
      primary key (bukrs, account_no), foreign key (chart, account_no) references chart_accounts)`,
    `create table documents (bukrs char(4) not null references company_codes, year smallint not null, period smallint not null, doc_no bigint not null, currency char(3) not null references currencies,
      reversal_year smallint, reversal_no bigint, text varchar(25),
      primary key (bukrs, year, doc_no),
      foreign key (bukrs, year, period) references fiscal_periods,
      foreign key (bukrs, reversal_year, reversal_no) references documents)`,
    `create table document_lines (bukrs char(4) not null, year smallint not null, doc_no bigint not null, line_no int not null,
      account_no varchar(10) not null, partner_no varchar(10), debit amount not null default 0, credit amount not null default 0,
      balance numeric(18, 2) generated always as (debit - credit) stored,
      clearing_year smallint, clearing_no bigint,
      primary key (bukrs, year, doc_no, line_no),
      foreign key (bukrs, year, doc_no) references documents on delete cascade,
      foreign key (bukrs, account_no) references ledger_accounts,
      foreign key (bukrs, partner_no) references business_partners,
      foreign key (bukrs, clearing_year, clearing_no) references documents)`,
    `create index on document_lines (bukrs, account_no)`,
    `create table document_attachments (bukrs char(4) not null, year smallint not null, doc_no bigint not null, name text not null, body bytea not null,
      foreign key (bukrs, year, doc_no) references documents)`,
    `create unique index attachment_names on document_attachments (bukrs, year, doc_no, name)`,
    `create table number_ranges (bukrs char(4) not null, object varchar(10) not null, year smallint not null, current bigint not null, primary key (object, bukrs, year))`,
    `create table exchange_rates (from_currency char(3) not null references currencies, to_currency char(3) not null references currencies, valid_from date not null, rate numeric(12, 6) not null,
      primary key (from_currency, to_currency, valid_from))`,
    `create view open_items as select * from document_lines where clearing_no is null`,
    `create view open_items_with_titles as select l.bukrs, l.doc_no, d.text from open_items l join documents d using (bukrs, year, doc_no)`,
  ],
  seed: `
    insert into currencies values ('EUR', 2), ('USD', 2);
    insert into charts values ('SKR3', 'small'), ('SKR4', 'large');
    insert into chart_accounts select c.code, (1000 + g)::text, 'a', 'B' from charts c, generate_series(1, 6) g;
    insert into company_codes values ('1000', 'one', 'SKR3', 'EUR'), ('2000', 'two', 'SKR3', 'EUR'), ('A', 'three', 'SKR4', 'USD');
    insert into fiscal_periods select b.bukrs, 2026, g, daterange(make_date(2026, g, 1), (make_date(2026, g, 1) + interval '1 month')::date) from company_codes b, generate_series(1, 6) g;
    insert into business_partners select bukrs, 'P' || g, 'n', case g % 2 when 0 then 'D' else 'K' end from company_codes, generate_series(1, 4) g;
    insert into ledger_accounts select c.bukrs, a.chart, a.account_no from company_codes c join chart_accounts a using (chart);
    insert into documents (bukrs, year, period, doc_no, currency) select c.bukrs, 2026, 1 + g % 6, g, 'EUR' from company_codes c, generate_series(1, 20) g;
    update documents set reversal_year = 2026, reversal_no = doc_no - 1 where doc_no % 5 = 0;
    insert into document_lines (bukrs, year, doc_no, line_no, account_no, partner_no, debit, credit)
      select d.bukrs, d.year, d.doc_no, n, '100' || (1 + n), case when n = 1 then 'P1' end, case n when 1 then 10 else 0 end, case n when 1 then 0 else 10 end from documents d, generate_series(1, 2) n;
    update document_lines set clearing_year = 2026, clearing_no = 20 where doc_no = 3 and line_no = 1;
    insert into document_attachments select bukrs, year, doc_no, 'f', '\\x00ff' from documents where doc_no % 2 = 0;
    insert into number_ranges select bukrs, 'DOC', 2026, 20 from company_codes;
    insert into exchange_rates values ('USD', 'EUR', '2026-01-01', 0.9)`,
  there: `insert into charts values ('SKR3', 'small'), ('SKR4', 'large');
    insert into chart_accounts select c.code, (1000 + g)::text, 'a', 'B' from charts c, generate_series(1, 6) g`,
  everybodys: ['currencies', 'charts', 'chart_accounts'],
  lines: [
    `table('document_attachments', { key: ['bukrs', 'year', 'doc_no', 'name'] })`,
    `// decide: "ledger_accounts.chart, account_no" refers to its rows`,
  ],
  write(i) {
    const n = 1_000 + 10 * i
    return [
      `insert into business_partners values ('1000', 'N${i}', 'new', 'D')`,
      `insert into documents (bukrs, year, period, doc_no, currency, text) values ('1000', 2026, ${1 + (i % 6)}, ${n}, 'EUR', 'x')`,
      `insert into document_lines (bukrs, year, doc_no, line_no, account_no, partner_no, debit, credit) values ('1000', 2026, ${n}, 1, '1002', 'N${i}', ${i}.25, 0), ('1000', 2026, ${n}, 2, '1003', null, 0, ${i}.25)`,
      `insert into document_attachments values ('1000', 2026, ${n}, 'a', '\\x01'), ('1000', 2026, ${n}, 'b', '\\x02')`,
      `update number_ranges set current = current + 1 where bukrs = '1000' and object = 'DOC'`,
      `update document_lines set clearing_year = 2026, clearing_no = ${n} where bukrs = '1000' and doc_no in (4, ${n - 10}) and line_no = 1`,
      `update documents set reversal_year = 2026, reversal_no = ${n} where bukrs = '1000' and doc_no = 7`,
      `update document_attachments set name = name || '.' where bukrs = '1000' and doc_no = ${n - 10}`,
      ...(i % 4 === 3
        ? [
            `delete from document_attachments where bukrs = '1000' and doc_no = ${n - 20}`,
            `update document_lines set clearing_year = null, clearing_no = null where bukrs = '1000' and clearing_no = ${n - 20}`,
            `delete from documents where bukrs = '1000' and doc_no = ${n - 20}`,
          ]
        : []),
    ]
  },
}
