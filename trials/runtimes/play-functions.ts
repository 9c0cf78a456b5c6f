import { inspect } from 'node:util'
import { bundleBootstrap, bundleHandler, formats, handlers, type Handler } from '../lambda/bundle'
import { freezeAcrossTokenEnd } from '../lambda/freeze'
import type { Outcome, Result } from './results'

/** Functions of Lambda that are bundled. */
export interface BundledFunctions {
  /** What stands where Lambda's runtime does. */
  bootstrap: string
  functions: { handler: Handler; format: string; file: string }[]
}

/** Bundles each handler in each format into a folder. */
export async function bundleFunctions(folder: string): Promise<BundledFunctions> {
  const functions: BundledFunctions['functions'] = []
  for (const handler of Object.keys(handlers) as Handler[]) {
    for (const format of formats) {
      functions.push({ handler, format, file: await bundleHandler(handler, format, folder) })
    }
  }
  return { bootstrap: await bundleBootstrap(folder), functions }
}

/** Freezes each function on a runtime across the end of its token. */
export async function playFunctions(
  command: string[],
  { bootstrap, functions }: BundledFunctions,
  backends: Record<'postgres' | 'mysql', string>,
): Promise<Omit<Result, 'runtime'>> {
  const outcomes = functions.map(async ({ handler, format, file }): Promise<Outcome> => {
    const engine = handlers[handler]
    const outcome = {
      adapter: `Lambda, ${handler} as ${format}`,
      name: 'is frozen across the end of its token',
    }
    try {
      await freezeAcrossTokenEnd({
        command: [...command, bootstrap, file],
        engine,
        backend: backends[engine],
      })
      return outcome
    } catch (error) {
      return { ...outcome, failure: inspect(error) }
    }
  })
  return { group: 'Lambda', outcomes: await Promise.all(outcomes) }
}
