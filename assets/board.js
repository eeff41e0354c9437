/**
 * The script of all pages: it shows times in the reader's zone, and fetches a part of the page anew
 * when the server says that it changed. A page is complete without it.
 */

/** Replaces parts of this page by those of the page as it is now. Keeps the keyboard's place. */
export async function refresh(...ids) {
  const answer = await fetch(location.href, { headers: { accept: 'text/html' } })
  if (answer.status === 401) return location.reload()
  if (!answer.ok) return
  const page = new DOMParser().parseFromString(await answer.text(), 'text/html')
  for (const id of ids) {
    const [before, now] = [document.getElementById(id), page.getElementById(id)]
    if (before && now) replace(before, now)
  }
}

/** Puts an element in the place of another; the keyboard, ticks and open details stay. */
export function replace(before, now) {
  const place = before.contains(document.activeElement)
    ? document.activeElement?.getAttribute('href')
    : null
  const open = [...before.querySelectorAll('details')].map((details) => details.open)
  const ticked = new Set([...before.querySelectorAll('input:checked')].map(({ value }) => value))
  for (const box of now.querySelectorAll('input[type=checkbox]'))
    box.checked = ticked.has(box.value)
  before.replaceWith(now)
  for (const [i, details] of [...now.querySelectorAll('details')].entries()) {
    details.open = open[i] ?? details.open
  }
  localTimes(now)
  if (place) now.querySelector(`a[href="${CSS.escape(place)}"]`)?.focus({ preventScroll: true })
}

/** Calls `work` at most once in `everyMs`, and once more for calls that came meanwhile. */
export function sparsely(work, everyMs) {
  let running = false
  let again = false
  const run = async () => {
    if (running) {
      again = true
      return
    }
    running = true
    await work().catch(() => {})
    setTimeout(() => {
      running = false
      if (again) {
        again = false
        run()
      }
    }, everyMs)
  }
  return run
}

/** The text of the server is UTC; it stays there for those who point at it. */
export function localTimes(within) {
  for (const time of within.querySelectorAll('time[datetime]')) {
    const at = new Date(time.dateTime)
    if (Number.isNaN(at.getTime())) continue
    time.title = at.toISOString()
    const day = at.toDateString() === new Date().toDateString() ? {} : { dateStyle: 'medium' }
    time.textContent = at.toLocaleString(undefined, { ...day, timeStyle: 'medium' })
  }
}

localTimes(document)
const live = document.querySelector('[data-live-part]')
if (live) {
  const source = new EventSource(live.dataset.live)
  const again = sparsely(() => refresh(live.id), 500)
  source.addEventListener('changed', again)
  source.addEventListener('done', () => source.close())
}
