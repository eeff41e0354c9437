/**
 * The grid of a run's tenants: a cell each, on one canvas, which stays fluid with 100,000 of them.
 * The table below it says the same in words; the keyboard moves through the cells.
 */
import { refresh, replace, sparsely } from './board.js'

const run = document.getElementById('run')
const canvas = document.getElementById('grid')
const said = document.getElementById('cell')
const live = document.getElementById('live')

/** A cell: tenant, state, percent, words. The server makes them: src/dashboard/runs/cells.ts. */
const cells = []
const places = new Map()
let size = 14
let columns = 1
let chosen = -1

const colours = {
  waiting: '--wait',
  working: '--work',
  moved: '--good',
  failed: '--bad',
  'gone-back': '--back',
  settled: '--dim',
}

/** Resolves light-dark(), which a canvas does not know. */
function palette() {
  const probe = document.createElement('span')
  document.body.append(probe)
  const found = {}
  for (const state of Object.keys(colours)) {
    probe.style.color = `var(${colours[state]})`
    found[state] = getComputedStyle(probe).color
  }
  probe.style.color = 'var(--card)'
  found.card = getComputedStyle(probe).color
  probe.style.color = 'var(--text)'
  found.text = getComputedStyle(probe).color
  probe.remove()
  return found
}

let paint = palette()

function layOut() {
  size = cells.length > 20_000 ? 6 : cells.length > 4_000 ? 9 : 14
  const width = canvas.parentElement.clientWidth - 40
  columns = Math.max(1, Math.floor(width / size))
  const scale = devicePixelRatio || 1
  const height = Math.ceil(cells.length / columns) * size
  canvas.width = columns * size * scale
  canvas.height = Math.max(1, height * scale)
  canvas.style.width = `${columns * size}px`
  canvas.style.height = `${height}px`
  const context = canvas.getContext('2d')
  context.scale(scale, scale)
  for (let i = 0; i < cells.length; i += 1) draw(context, i)
}

/** Not by colour alone: work has a level, a failure a cross, a way back a bar. */
function draw(context, i) {
  const [, state, percent] = cells[i]
  const [x, y] = [(i % columns) * size, Math.floor(i / columns) * size]
  const inner = size - 2
  context.clearRect(x, y, size, size)
  context.fillStyle = state === 'working' ? paint.waiting : paint[state]
  context.fillRect(x + 1, y + 1, inner, inner)
  if (state === 'working') {
    const level = Math.max(2, Math.round((inner * percent) / 100))
    context.fillStyle = paint.working
    context.fillRect(x + 1, y + 1 + inner - level, inner, level)
  }
  if (state === 'failed') {
    context.strokeStyle = paint.card
    context.beginPath()
    context.moveTo(x + 2, y + 2)
    context.lineTo(x + size - 2, y + size - 2)
    context.moveTo(x + size - 2, y + 2)
    context.lineTo(x + 2, y + size - 2)
    context.stroke()
  }
  if (i === chosen) {
    context.strokeStyle = paint.text
    context.strokeRect(x + 0.5, y + 0.5, size - 1, size - 1)
  }
}

function take(list) {
  let isNew = false
  const context = canvas.getContext('2d')
  for (const cell of list) {
    const place = places.get(cell[0])
    if (place === undefined) {
      places.set(cell[0], cells.length)
      cells.push(cell)
      isNew = true
    } else {
      cells[place] = cell
      draw(context, place)
    }
  }
  if (isNew) layOut()
  if (chosen >= 0) say()
}

async function readAll() {
  let after = ''
  for (;;) {
    const answer = await fetch(`${run.dataset.cells}?after=${encodeURIComponent(after)}`)
    if (!answer.ok) return
    const { cells: list, next } = await answer.json()
    take(list)
    if (next === null) return
    after = next
  }
}

/** Characters that cannot be seen, or turn text around, are shown. */
function visible(text) {
  return text.replace(
    /[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/gu,
    (c) => `\\u{${c.codePointAt(0).toString(16)}}`,
  )
}

function say() {
  const cell = cells[chosen]
  said.textContent = cell ? `${visible(cell[0])}: ${cell[3]}` : ''
}

function choose(i) {
  const before = chosen
  chosen = Math.max(0, Math.min(cells.length - 1, i))
  const context = canvas.getContext('2d')
  if (before >= 0 && cells[before]) draw(context, before)
  if (cells[chosen]) draw(context, chosen)
  say()
}

function at(event) {
  const column = Math.floor(event.offsetX / size)
  const i = Math.floor(event.offsetY / size) * columns + column
  return column < columns && i < cells.length ? i : -1
}

const steps = () => ({
  ArrowLeft: -1,
  ArrowRight: 1,
  ArrowUp: -columns,
  ArrowDown: columns,
  PageUp: -10 * columns,
  PageDown: 10 * columns,
  Home: -cells.length,
  End: cells.length,
})

function openChosen() {
  const cell = cells[chosen]
  if (cell) location.href = `${run.dataset.open}?tenant=${encodeURIComponent(cell[0])}`
}

if (canvas) {
  canvas.hidden = false
  canvas.addEventListener('pointermove', (event) => {
    const i = at(event)
    if (i >= 0 && i !== chosen) choose(i)
  })
  canvas.addEventListener('click', (event) => {
    if (at(event) < 0) return
    choose(at(event))
    openChosen()
  })
  canvas.addEventListener('keydown', (event) => {
    const step = steps()[event.key]
    if (event.key === 'Enter') openChosen()
    if (step === undefined) return
    event.preventDefault()
    choose(chosen < 0 && event.key !== 'End' ? 0 : chosen + step)
  })
  addEventListener('resize', layOut)
  matchMedia('(prefers-color-scheme: dark)').addEventListener('change', () => {
    paint = palette()
    layOut()
  })
  await readAll()
}

const words = sparsely(() => refresh('found', 'steering'), 2_000)
const source = new EventSource(run.dataset.live)
source.addEventListener('open', () => {
  live.textContent = 'live'
})
source.addEventListener('error', () => {
  live.textContent = 'not connected, trying again'
})
source.addEventListener('overview', (event) => {
  const now = new DOMParser().parseFromString(JSON.parse(event.data), 'text/html')
  replace(document.getElementById('overview'), now.getElementById('overview'))
})
source.addEventListener('cells', (event) => {
  take(JSON.parse(event.data))
  words()
})
source.addEventListener('holds', words)
source.addEventListener('reload', async () => {
  await readAll()
  words()
})
source.addEventListener('done', () => {
  source.close()
  live.textContent = 'ended'
  words()
})
