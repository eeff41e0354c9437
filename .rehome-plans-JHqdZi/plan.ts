
  import { definePlan, postgres, table } from 'rehome'
  export default definePlan({
    name: 'small', source: postgres({ urlFrom: 'SOURCE_URL' }),
    target: postgres({ urlFrom: 'TARGET_URL' }), tenants: ['acme'],
    tables: [table('tenants', { tenant: 'id' }), table('notes'), table('visits'),
      table('note_lines', { through: 'note_id' })],  })