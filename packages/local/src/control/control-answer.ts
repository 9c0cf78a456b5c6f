import type { LoginEvent } from '../audit'
import type { LocalRdsConfiguration } from '../options'
import type { Engine } from '../defaults'
import { parseChange, presentConfiguration } from './configuration-json'

/** The part of a running endpoint that the control endpoint reads and changes. */
export interface Controlled {
  readonly engine: Engine
  readonly configuration: LocalRdsConfiguration
  readonly logins: readonly LoginEvent[]
  readonly openConnections: number
  configure(change: Partial<LocalRdsConfiguration>): Promise<void>
  dropConnections(): void
}

/** A request to the control endpoint. */
export interface ControlRequest {
  method: string
  /** Path without the query. */
  path: string
  body: string
}

/** The response to a request. */
export interface ControlAnswer {
  status: number
  /** Sent as JSON. */
  body: unknown
  /** Methods of the path, if the request's method is not one of them. */
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

/** Carries out a request. */
export async function answerControl(
  controlled: Controlled,
  { method, path, body }: ControlRequest,
): Promise<ControlAnswer> {
  const actions = Object.hasOwn(PATHS, path) ? PATHS[path] : undefined
  if (actions === undefined)
    return { status: 404, body: { error: `unknown path; known are ${Object.keys(PATHS).join(', ')}` } }
  const action = Object.hasOwn(actions, method) ? actions[method] : undefined
  if (action !== undefined) return action(controlled, body)
  const allow = Object.keys(actions).join(', ')
  return { status: 405, body: { error: `${path} takes ${allow}` }, allow }
}

/** Makes a change; responds with its result, or with what is wrong with it. */
async function changed(change: () => unknown): Promise<ControlAnswer> {
  try {
    return { status: 200, body: await change() }
  } catch (error) {
    const wrong = error instanceof TypeError
    return { status: wrong ? 400 : 500, body: { error: error instanceof Error ? error.message : 'failed' } }
  }
}
