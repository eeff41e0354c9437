/** BullMQ's own metrics of all queues, as one text in Prometheus's format. */
import type { Queues } from '../../queue/queues.ts'

export async function queueMetrics({ byErrand }: Queues): Promise<string> {
  const queues = [...new Set(Object.values(byErrand))]
  const exported = queues.map(async (queue) => await queue.exportPrometheusMetrics())
  return joinMetrics(await Promise.all(exported))
}

/** Each metric once, with the series of all texts: a text with a metric twice is refused. */
function joinMetrics(texts: readonly string[]): string {
  const metrics = new Map<string, { heads: Set<string>; series: string[] }>()
  for (const line of texts.flatMap((text) => text.split('\n'))) {
    const [, name] = /^(?:# \w+ )?(\w+)/.exec(line) ?? []
    if (!name) continue
    const metric = metrics.get(name) ?? { heads: new Set(), series: [] }
    metrics.set(name, metric)
    if (line.startsWith('#')) metric.heads.add(line)
    else metric.series.push(line)
  }
  const lines = [...metrics.values()].flatMap(({ heads, series }) => [...heads, ...series])
  return lines.map((line) => `${line}\n`).join('')
}
