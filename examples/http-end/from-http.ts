// The notebook of ../plan.ts, whose database cannot be reached: the application answers for its
// rows (one of those beside this file), and they become tables of the new model over SQL.
import { definePlan, http, postgres, table } from 'rehome'

interface Tenant {
  id: string
  name: string
}

interface Note {
  id: bigint
  tenant_id: string
  body: string
  tags: string[]
  written_at: string
}

export default definePlan({
  name: 'notebook-from-http',
  source: http({ urlFrom: 'NOTEBOOK_URL', auth: { bearerFrom: 'REHOME_SECRET' } }),
  target: postgres({ urlFrom: 'TARGET_URL' }),
  tenants: ['acme', 'umbra'],
  tables: [
    table<Tenant>('tenants', {
      tenant: 'id',
      targetTenant: 'id',
      transform: ({ id, name }) => ({ id, display_name: name, slug: name.toLowerCase() }),
    }),
    table<Note>('notes', {
      transform: ({ body, ...note }) => ({
        ...note,
        title: body.split('\n', 1)[0] ?? '',
        body: body.split('\n').slice(1).join('\n'),
      }),
    }),
    table('note_links', { through: 'note_id' }),
  ],
})
