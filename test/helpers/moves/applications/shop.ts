// Shops that sell from one catalogue: products and their vendors are everybody's.
import type { RealApplication } from './real-application.ts'

const [first, second] = [1, 2].map((n) => `00000000-0000-4000-8000-00000000000${n}`)

export const shop: RealApplication = {
  tenantTable: 'shops',
  tenant: String(first),
  schema: [
    `create table shops (id uuid primary key)`,
    `create table vendors (id bigint primary key, name text)`,
    `create table products (id bigint primary key, vendor_id bigint not null references vendors, name text)`,
    `create table product_images (product_id bigint references products, no int, primary key (product_id, no))`,
    `create table offers (id bigint primary key, shop_id uuid not null references shops,
      product_id bigint not null references products, price numeric(10, 2))`,
    `create table orders (id bigint primary key, shop_id uuid not null references shops, note text)`,
    `create table order_items (order_id bigint not null references orders on delete cascade, no int,
      product_id bigint not null references products, primary key (order_id, no))`,
  ],
  seed: `
    insert into shops values ('${first}'), ('${second}');
    insert into vendors select g, 'vendor ' || g from generate_series(1, 5) g;
    insert into products select g, 1 + g % 5, 'product ' || g from generate_series(1, 20) g;
    insert into product_images select g, 1 from generate_series(1, 20) g;
    insert into offers select g, case g % 2 when 0 then '${first}'::uuid else '${second}'::uuid end, 1 + g % 12, g
      from generate_series(1, 20) g;
    insert into orders select g, case g % 2 when 0 then '${first}'::uuid else '${second}'::uuid end
      from generate_series(1, 20) g;
    insert into order_items select g, n, 1 + (g + n) % 20 from generate_series(1, 20) g, generate_series(1, 2) n`,
  everybodys: ['vendors', 'products'],
  lines: [
    `shared('products', { referencedBy: [`,
    `shared('vendors', { referencedBy: 'products.vendor_id' })`,
  ],
  write(i) {
    const id = 1_000 + 10 * i
    return [
      `insert into vendors values (${id}, 'new')`,
      `insert into products values (${id}, ${id}, 'new'), (${id + 1}, ${id}, 'other')`,
      `insert into offers values (${id}, '${first}', ${id}, ${i})`,
      `insert into orders values (${id}, '${first}')`,
      `insert into order_items values (${id}, 1, ${id + 1}), (${id}, 2, ${id})`,
      `update offers set price = price + 1, product_id = ${id + 1} where id in (2, ${id - 10})`,
      `update orders set note = 'n' || ${i} where id in (4, ${id - 20})`,
      ...(i % 4 === 3 ? [`delete from orders where id = ${id - 10}`] : []),
    ]
  },
}
