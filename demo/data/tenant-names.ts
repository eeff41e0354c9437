/**
 * The ids of the source's tenants, largest tenant first. Ids are what people once typed: some hold
 * whatever a program forgets to quote, and two differ in the case of one letter only.
 */

/** Its id is a piece of SQL. */
export const hostileTenant = `o'neil; drop table tasks;--`

export const tenantNames: readonly string[] = [
  'meridian-freight',
  'bluefin',
  hostileTenant,
  'granite-works',
  'みどり工房 🌿',
  'acme',
  'Acme',
  'caffè "da Zoë" \\ figli',
  'north-ferry',
  'lumen-clinics',
  'tallow-and-wick',
  'سوق الورد',
  'paper-kite',
  'orchard-7',
  '100%_organic',
  'old-mill-brewery',
  'signal-hill',
  'fjordline',
  'copper-kettle',
  'seventh-street',
  'vega-robotics',
  'blue-heron',
  'marzipan',
  'quarry-labs',
  'tidewater',
  'e\u0301clair',
  'hollow-oak',
  'sparrow-post',
  'iron-gate',
  'windfall',
  'cedar-row',
  'lantern-books',
  'riverbend',
  'foxglove',
  'zebra-crossing',
  'two  blanks ',
  'NULL',
  'small-potatoes',
  'kitchen-table',
  'just-me',
]
