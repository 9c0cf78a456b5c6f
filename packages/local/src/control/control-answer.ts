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

/** The response to a request. */
export interface ControlAnswer {
  status: number
  /** Sent as JSON. */
  body: unknown
  /** Methods of the path, if the request's method is not one of them. */
  allow?: string | undefined
}

/** Acts on a request's body, and returns that of the response. */
type Action = (controlled: Controlled, body: string) => unknown

const PATHS: Readonly<Record<string, Readonly<Record<string, Action>>>> = {
  '/logins': { GET: ({ logins }) => logins },
  '/configuration': {
    GET: ({ configuration }) => presentConfiguration(configuration),
    async PATCH(controlled, body) {
      await controlled.configure(parseChange(body))
      return presentConfiguration(controlled.configuration)
    },
  },
  '/drop-connections': {
    POST(controlled) {
      const dropped = controlled.openConnections
      controlled.dropConnections()
      return { dropped }
    },
  },
}

/** Carries out a request. */
export async function answerControl(
  controlled: Controlled,
  { method, path, body }: { method: string; path: string; body: string },
): Promise<ControlAnswer> {
  const actions = Object.hasOwn(PATHS, path) ? PATHS[path] : undefined
  if (actions === undefined) return failed(404, `unknown path; known are ${Object.keys(PATHS).join(', ')}`)
  const action = Object.hasOwn(actions, method) ? actions[method] : undefined
  const allow = Object.keys(actions).join(', ')
  if (action === undefined) return { ...failed(405, `${path} takes ${allow}`), allow }
  try {
    return { status: 200, body: await action(controlled, body) }
  } catch (error) {
    return failed(error instanceof TypeError ? 400 : 500, error instanceof Error ? error.message : 'failed')
  }
}

/** A response that says what is wrong. */
export function failed(status: number, error: string): ControlAnswer {
  return { status, body: { error } }
}
