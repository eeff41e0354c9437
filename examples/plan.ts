// A small plan to begin with: two tenants of a notebook move to a database where notes have a
// title. source.sql and target.sql beside it make the two ends; docker-compose.yml uses all three.
import { definePlan, postgres, sql, table } from 'rehome'

interface Note {
  id: bigint
  tenant_id: string
  body: string
  tags: string[]
  written_at: string
}

export default definePlan({
  name: 'notebook',
  source: postgres({ urlFrom: 'SOURCE_URL' }),
  target: postgres({ urlFrom: 'TARGET_URL' }),
  tenants: sql`select id from tenants order by id`,
  tables: [
    table('tenants', {
      tenant: 'id',
      columns: { rename: { name: 'display_name' }, compute: { slug: sql`lower(r.name)` } },
    }),
    table<Note>('notes', {
      transform: ({ body, ...note }) => ({
        ...note,
        title: body.split('\n', 1)[0] ?? '',
        body: body.split('\n').slice(1).join('\n'),
      }),
    }),
    // No tenant column: a row belongs to the tenant of its note.
    table('note_links', { through: 'note_id' }),
  ],
})
