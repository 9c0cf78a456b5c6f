import { checkNames } from './checks'
import type { Engine } from './defaults'
import { CONFIGURATION, DSQL_OPTIONS, FIXED, OPTIONS, type Option } from './option-table'
import type { LocalRdsConfiguration, LocalRdsOptions } from './options'

type Table = Readonly<Record<string, Option<unknown>>>

type Values<T> = {
  [Name in keyof T]: T[Name] extends { check(...given: never[]): infer Value }
    ? T[Name] extends { initial: unknown }
      ? Value
      : Value | undefined
    : never
}

/** Checked options, with their defaults; `control` is the control endpoint's port, 0 for a free one. */
export type ResolvedOptions = Values<typeof FIXED> & { configuration: LocalRdsConfiguration }

/** @throws {TypeError} with the name of the wrong option. */
export function resolveOptions(options: LocalRdsOptions): ResolvedOptions {
  checkNames('startLocalRds', options, Object.keys(OPTIONS))
  if (options.backend === undefined && options.backendUsers !== undefined)
    throw new TypeError('backendUsers has no effect without backend')
  const fixed = readValues(FIXED, options)
  checkDsqlOptions(fixed.engine, options)
  return { ...fixed, configuration: readValues(CONFIGURATION, options) }
}

/**
 * Returns a configuration with some values replaced; undefined replaces nothing. No array is shared.
 *
 * @throws {TypeError} with the name of the wrong value.
 */
export function changeConfiguration(
  current: LocalRdsConfiguration,
  change: Partial<LocalRdsConfiguration>,
): LocalRdsConfiguration {
  checkNames('configure', change, Object.keys(CONFIGURATION))
  return readValues(CONFIGURATION, change, current)
}

/** @throws {TypeError} when a DSQL option is given for another engine, where it would have no effect. */
export function checkDsqlOptions(engine: Engine, options: Partial<LocalRdsConfiguration>): void {
  if (engine === 'dsql') return
  const given = DSQL_OPTIONS.find((name) => options[name] !== undefined)
  if (given !== undefined) throw new TypeError(`${given} has no effect with engine ${engine}`)
}

function readValues<T extends Table>(table: T, ...sources: object[]): Values<T> {
  const entries = Object.entries(table).map(([name, { initial, check }]) => {
    const values = sources.map((source) => (source as Record<string, unknown>)[name])
    const value = values.find((candidate) => candidate !== undefined)
    return [name, value === undefined ? initial?.() : check(name, value)]
  })
  return Object.fromEntries(entries) as Values<T>
}
