import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, vi } from 'vitest'

/** A test's own environment: no AWS variables, an empty home directory, and a clock that the test moves. */
export interface Surroundings {
  /** Sets environment variables. They are removed after the test. */
  set(variables: Readonly<Record<string, string>>): void
  /** Writes a file into the home directory and returns its path. */
  write(name: string, content: string): string
  /** Moves the clock forward. */
  passSeconds(seconds: number): void
}

const START = '2031-05-06T07:08:09Z'

/**
 * Gives each test of a file its own environment, and expects that nothing is printed: the SDK's messages must reach
 * the caller as errors, not the console.
 */
export function testSurroundings(): Surroundings {
  const saved = { ...process.env }
  let home = ''
  let printed: unknown[][] = []

  beforeEach(() => {
    home = mkdtempSync(join(tmpdir(), 'rds-iam-home-'))
    for (const name of Object.keys(process.env)) if (name.startsWith('AWS_')) delete process.env[name]
    process.env['HOME'] = home
    vi.useFakeTimers({ toFake: ['Date'], now: new Date(START) })
    printed = []
    for (const method of ['debug', 'log', 'info', 'warn', 'error'] as const) {
      vi.spyOn(console, method).mockImplementation((...line: unknown[]) => void printed.push(line))
    }
  })
  afterEach(() => {
    vi.restoreAllMocks()
    vi.useRealTimers()
    for (const name of Object.keys(process.env)) if (!(name in saved)) delete process.env[name]
    Object.assign(process.env, saved)
    rmSync(home, { recursive: true, force: true })
    expect(printed).toEqual([])
  })

  return {
    set: (variables) => void Object.assign(process.env, variables),
    write(name, content) {
      const path = join(home, name)
      writeFileSync(path, content)
      return path
    },
    passSeconds: (seconds) => void vi.setSystemTime(Date.now() + seconds * 1_000),
  }
}
