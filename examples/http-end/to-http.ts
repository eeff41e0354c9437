// Notebooks leave a database for an application that is reached over HTTP only: one of those
// beside this file.
import { definePlan, http, postgres, sql, table } from 'rehome'

export default definePlan({
  name: 'notebook-to-http',
  source: postgres({ urlFrom: 'SOURCE_URL' }),
  target: http({ urlFrom: 'NOTEBOOK_URL', auth: { bearerFrom: 'REHOME_SECRET' } }),
  tenants: sql`select id from tenants order by id`,
  tables: [
    table('tenants', { tenant: 'id' }),
    table('notes'),
    table('note_links', { through: 'note_id' }),
  ],
})
