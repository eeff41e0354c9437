// From issues and labels to work items, which are documents. One query gives a row for each label
// of an issue; those of one issue are gathered into its work item, and make a tag each.
import { definePlan, gather, postgres, sourceTable, sql } from 'rehome'
import { z } from 'zod'

const LabelledIssue = z.object({
  id: z.bigint(),
  number: z.number().int().positive(),
  title: z.string().min(1),
  body: z.string().nullable(),
  created_at: z.string(),
  label: z.string().nullable(),
})

interface WorkItem {
  id: bigint
  workspace_id: string
  title: string
  document: { body: string; labels: string[] }
  created_at: string
}

interface Tag {
  workspace_id: string
  work_item_id: bigint
  tag: string
}

const workItems = gather<
  z.infer<typeof LabelledIssue>,
  { work_items: WorkItem; work_item_tags: Tag[] }
>('work items', {
  from: (workspace) => sql`
    select i.id, i.number, i.title, i.body, i.created_at, l.name as label,
      coalesce(l.id, 0) as label_id
    from issues i
    left join issue_labels il on il.issue_id = i.id
    left join labels l on l.id = il.label_id
    where i.workspace_id = ${workspace}`,
  key: ['id', 'label_id'],
  by: 'id',
  row: LabelledIssue,
  to: ['work_items', 'work_item_tags'],
  transform([first, ...others], { tenantId: workspace_id }) {
    if (!first) return null
    const labels = [first, ...others].flatMap(({ label }) => label ?? [])
    return {
      work_items: {
        id: first.id,
        workspace_id,
        title: `#${first.number} ${first.title}`,
        document: { body: first.body ?? '', labels },
        created_at: first.created_at,
      },
      work_item_tags: labels.map((tag) => ({ workspace_id, work_item_id: first.id, tag })),
    }
  },
})

export default definePlan({
  name: 'work-items',
  source: postgres({ urlFrom: 'SOURCE_URL' }),
  target: postgres({ urlFrom: 'TARGET_URL' }),
  tenants: sql`select distinct workspace_id from issues order by 1`,
  tenantColumn: 'workspace_id',
  tables: [
    sourceTable('issues'),
    sourceTable('labels'),
    sourceTable('issue_labels', { through: 'issue_id' }),
    workItems,
  ],
  invariants: [
    {
      name: 'every issue is a work item',
      equal: {
        source: (workspace) => sql`select count(*) from issues where workspace_id = ${workspace}`,
        target: (workspace) =>
          sql`select count(*) from work_items where workspace_id = ${workspace}`,
      },
    },
  ],
})
