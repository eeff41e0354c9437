/** The protocol of ends over HTTP as an OpenAPI 3.1 document: nothing in it is written twice. */

import { description, protocolName } from '../../src/ends/http/protocol/description.ts'
import {
  applyHead,
  applyOperation,
  changesOperation,
} from '../../src/ends/http/protocol/feed-operations.ts'
import {
  groupOf,
  type OperationName,
  operations,
  pathOf,
} from '../../src/ends/http/protocol/operations.ts'
import {
  batchHead,
  readOperation,
  writeOperation,
} from '../../src/ends/http/protocol/row-operations.ts'
import { parameters, responses, securitySchemes, sentHeaders } from './components.ts'
import type { JsonObject } from './json.ts'
import { createSchemas, type Schemas } from './schemas.ts'

const about = `One end of a move of rehome, as an application offers it. docs/http.md says what each
operation has to do, and under which conditions. Every operation is safe to be asked for again where
\`x-rehome-repeatable\` is true: then an answer that is lost is asked for again.`

export function openapiText(): string {
  return `${JSON.stringify(openapiDocument(), null, 2)}\n`
}

export function openapiDocument(): JsonObject {
  const schemas = createSchemas()
  const paths: JsonObject = {
    '/v1': { get: describing(schemas) },
    ...Object.fromEntries(
      (Object.keys(operations) as OperationName[]).map((name) => [
        `/${pathOf(name)}`,
        { post: operationOf(schemas, name) },
      ]),
    ),
    [`/${pathOf('read')}`]: { post: reading(schemas) },
    [`/${pathOf('write')}`]: { post: writing(schemas) },
    [`/${pathOf('changes')}`]: { post: telling(schemas) },
    [`/${pathOf('apply')}`]: { post: applying(schemas) },
  }
  return {
    openapi: '3.1.0',
    info: {
      title: 'rehome: an end over HTTP',
      version: protocolName,
      description: about.replaceAll('\n', ' '),
      license: { name: 'MIT', identifier: 'MIT' },
    },
    servers: [
      {
        url: '{baseUrl}',
        description: 'Wherever the application has mounted it.',
        variables: { baseUrl: { default: 'https://app.example/rehome' } },
      },
    ],
    security: [{ bearer: [] }, { hmac: [] }],
    tags: [
      { name: 'description', description: 'What the end says of itself.' },
      { name: 'flags', description: "Transitions of a tenant's flag." },
      { name: 'rows', description: "A tenant's rows." },
      { name: 'feed', description: 'Changes, where the description says that they are offered.' },
    ],
    paths,
    components: {
      securitySchemes,
      parameters,
      headers: sentHeaders,
      responses: responses(schemas),
      schemas: schemas.all(),
    },
  }
}

function describing(schemas: Schemas): JsonObject {
  return {
    operationId: 'describe',
    tags: ['description'],
    summary: 'What the end is, and its tables.',
    'x-rehome-repeatable': true,
    parameters: asked.filter(({ $ref }) => !/ContentEncoding/.test($ref)),
    responses: answers(json(schemas.ref('Description', description)), 'The description.'),
  }
}

function operationOf(schemas: Schemas, name: OperationName): JsonObject {
  const { summary, request, result, repeatable } = operations[name]
  const title = `${name.slice(0, 1).toUpperCase()}${name.slice(1)}`
  return {
    operationId: name,
    tags: [groupOf(name)],
    summary,
    'x-rehome-repeatable': repeatable,
    parameters: asked,
    requestBody: { required: true, content: json(schemas.ref(`${title}Request`, request)) },
    responses: answers(json(schemas.ref(`${title}Result`, result)), 'Done, or nothing was to do.'),
  }
}

function reading(schemas: Schemas): JsonObject {
  const { summary, repeatable, request, last } = readOperation
  const lines = {
    schema: {
      description: 'One value a line: rows, and after the last of them the object.',
      oneOf: [schemas.row(), schemas.ref('PageEnd', last)],
    },
  }
  return {
    operationId: 'read',
    tags: ['rows'],
    summary,
    'x-rehome-repeatable': repeatable,
    parameters: asked,
    requestBody: { required: true, content: json(schemas.ref('ReadRequest', request)) },
    responses: answers({ 'application/x-ndjson': lines }, 'A page.'),
  }
}

function writing(schemas: Schemas): JsonObject {
  const { summary, repeatable, result } = writeOperation
  const lines = {
    schema: {
      description: 'One value a line: the head of the batch, and after it its rows.',
      oneOf: [schemas.ref('BatchHead', batchHead), schemas.row()],
    },
  }
  return {
    operationId: 'write',
    tags: ['rows'],
    summary,
    'x-rehome-repeatable': repeatable,
    parameters: [...asked, { $ref: '#/components/parameters/IdempotencyKey' }],
    requestBody: { required: true, content: { 'application/x-ndjson': lines } },
    responses: answers(json(schemas.ref('WriteResult', result)), 'The batch is durable.'),
  }
}

function telling(schemas: Schemas): JsonObject {
  const { summary, repeatable, request } = changesOperation
  const lines = {
    schema: {
      description: 'One value a line: rows, each with `t` or `f` behind it, and then the object.',
      oneOf: [schemas.row(), schemas.ref('PageEnd', readOperation.last)],
    },
  }
  return {
    operationId: 'changes',
    tags: ['feed'],
    summary,
    'x-rehome-repeatable': repeatable,
    parameters: asked,
    requestBody: { required: true, content: json(schemas.ref('ChangesRequest', request)) },
    responses: answers({ 'application/x-ndjson': lines }, 'A page.'),
  }
}

function applying(schemas: Schemas): JsonObject {
  const { summary, repeatable, result } = applyOperation
  const lines = {
    schema: {
      description: 'One value a line: the head, keys that go, keys of parents, rows that come.',
      oneOf: [schemas.ref('ApplyHead', applyHead), schemas.row()],
    },
  }
  return {
    operationId: 'apply',
    tags: ['feed'],
    summary,
    'x-rehome-repeatable': repeatable,
    parameters: [...asked, { $ref: '#/components/parameters/IdempotencyKey' }],
    requestBody: { required: true, content: { 'application/x-ndjson': lines } },
    responses: answers(json(schemas.ref('ApplyResult', result)), 'The step is durable.'),
  }
}

const asked = ['RehomeEnd', 'AcceptEncoding', 'ContentEncoding'].map((name) => ({
  $ref: `#/components/parameters/${name}`,
}))

function json(schema: JsonObject): JsonObject {
  return { 'application/json': { schema } }
}

function answers(content: JsonObject, text: string): JsonObject {
  const headers = { 'Content-Encoding': { $ref: '#/components/headers/ContentEncoding' } }
  const problems = ['401', '429', '503', '4XX', '5XX'].map((status) => [
    status,
    { $ref: `#/components/responses/${status}` },
  ])
  return { '200': { description: text, headers, content }, ...Object.fromEntries(problems) }
}
