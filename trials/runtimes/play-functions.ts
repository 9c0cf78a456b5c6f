import { inspect } from 'node:util'
import { bundleBootstrap, bundleHandler, formats, handlers, type Handler } from '../lambda/bundle'
import { freezeAcrossTokenEnd } from '../lambda/freeze'
import type { Outcome, Result } from './results'

/** Bundled Lambda functions. */
export interface BundledFunctions {
  /** The program that replaces Lambda's runtime. */
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

/** Freezes each function on a runtime until its token has expired. */
export async function playFunctions(
  command: string[],
  { bootstrap, functions }: BundledFunctions,
  backends: Record<'postgres' | 'mysql', string>,
): Promise<Omit<Result, 'runtime'>> {
  const outcomes = functions.map(async ({ handler, format, file }): Promise<Outcome> => {
    const engine = handlers[handler]
    const outcome = {
      adapter: `Lambda, ${handler} as ${format}`,
      name: 'logs in again when it was frozen until its token expired',
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
