import type { LoginEvent } from '../audit'
import type { LocalRdsConfiguration } from '../options'
import type { Engine } from '../engine'
import { parseChange, presentConfiguration } from './configuration-json'

/** What the control endpoint reads and changes: the part of a running endpoint that it needs. */
export interface Controlled {
  readonly engine: Engine
  readonly configuration: LocalRdsConfiguration
  readonly logins: readonly LoginEvent[]
  readonly openConnections: number
  configure(change: Partial<LocalRdsConfiguration>): Promise<void>
  dropConnections(): void
}

/** A request that may be answered. */
export interface ControlRequest {
  method: string
  /** Path without the query. */
  path: string
  body: string
}

/** The answer to a request. */
export interface ControlAnswer {
  status: number
  /** What is sent as JSON. */
  body: unknown
  /** Methods of the path, when the request had another one. */
  allow?: string
}

type Action = (controlled: Controlled, body: string) => Promise<ControlAnswer> | ControlAnswer

const PATHS: Readonly<Record<string, Readonly<Record<string, Action>>>> = {
  '/logins': { GET: ({ logins }) => ({ status: 200, body: logins }) },
  '/configuration': {
    GET: (controlled) => ({ status: 200, body: presentConfiguration(controlled.configuration) }),
    PATCH: (controlled, body) =>
      changed(async () => {
        await controlled.configure(parseChange(body))
        return presentConfiguration(controlled.configuration)
      }),
  },
  '/drop-connections': {
    POST(controlled) {
      const dropped = controlled.openConnections
      controlled.dropConnections()
      return { status: 200, body: { dropped } }
    },
  },
}

/** Does what a request asks for. */
export async function answerControl(
  controlled: Controlled,
  { method, path, body }: ControlRequest,
): Promise<ControlAnswer> {
  const actions = Object.hasOwn(PATHS, path) ? PATHS[path] : undefined
  if (actions === undefined)
    return { status: 404, body: { error: `there is ${Object.keys(PATHS).join(', ')}` } }
  const action = Object.hasOwn(actions, method) ? actions[method] : undefined
  if (action !== undefined) return action(controlled, body)
  const allow = Object.keys(actions).join(', ')
  return { status: 405, body: { error: `${path} takes ${allow}` }, allow }
}

/** Makes a change and answers what is in force then, or what of the change is wrong. */
async function changed(change: () => unknown): Promise<ControlAnswer> {
  try {
    return { status: 200, body: await change() }
  } catch (error) {
    const wrong = error instanceof TypeError
    return { status: wrong ? 400 : 500, body: { error: error instanceof Error ? error.message : 'failed' } }
  }
}
