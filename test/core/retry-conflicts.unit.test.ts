import { syncBuiltinESMExports } from 'node:module'
import timers from 'node:timers/promises'
import { retryConflicts, type RetryOptions } from '@rds-iam/core'
import { afterEach, expect, test, vi } from 'vitest'

afterEach(() => {
  vi.restoreAllMocks()
  syncBuiltinESMExports()
})

const conflict = () =>
  Object.assign(new Error('change conflicts with another transaction'), { code: '40001' })

/** Work that fails with each of the errors in turn, and then returns the number of its runs. */
function failing(...errors: unknown[]): () => Promise<number> {
  let runs = 0
  return () => {
    const error = errors[runs++]
    return error === undefined ? Promise.resolve(runs) : Promise.reject(error as Error)
  }
}

test('retries work until it has no conflict', async () => {
  expect(await retryConflicts(failing())).toBe(1)
  expect(await retryConflicts(failing(conflict(), conflict()), { baseDelayMs: 1 })).toBe(3)
})

test("retries work when the conflict is an error of MySQL's drivers", async () => {
  const deadlock = Object.assign(new Error('deadlock'), { code: 'ER_LOCK_DEADLOCK', sqlState: '40001' })
  expect(await retryConflicts(failing(deadlock), { baseDelayMs: 1 })).toBe(2)
})

test.each(['OC000', 'OC001'])('retries work when the SQLSTATE is %s', async (code) => {
  expect(await retryConflicts(failing(Object.assign(conflict(), { code })), { baseDelayMs: 1 })).toBe(2)
})

test('retries work when the conflict is the cause of another error', async () => {
  const wrapped = new Error('query failed', { cause: new Error('driver', { cause: conflict() }) })
  expect(await retryConflicts(failing(wrapped), { baseDelayMs: 1 })).toBe(2)
})

test('rejects with the last conflict after five attempts, or after maxAttempts', async () => {
  const errors = Array.from({ length: 6 }, conflict)
  await expect(retryConflicts(failing(...errors), { baseDelayMs: 1 })).rejects.toBe(errors[4])
  await expect(retryConflicts(failing(...errors), { baseDelayMs: 1, maxAttempts: 2 })).rejects.toBe(errors[1])
  await expect(retryConflicts(failing(...errors), { maxAttempts: 1 })).rejects.toBe(errors[0])
})

const circular = new Error('its own cause')
circular.cause = circular

test.each([
  ['a lost connection', Object.assign(new Error('Connection terminated unexpectedly'))],
  ['a lost connection with a code', Object.assign(new Error('read ECONNRESET'), { code: 'ECONNRESET' })],
  ['a deadlock', Object.assign(new Error('deadlock detected'), { code: '40P01' })],
  ['a commit of unknown outcome', Object.assign(new Error('unknown'), { code: '40003' })],
  ['an error that is its own cause', circular],
  ['a string', '40001'],
])('does not retry %s', async (_, error) => {
  await expect(retryConflicts(failing(error))).rejects.toBe(error)
})

test('rejects when a retry fails with an error that is not a conflict', async () => {
  const other = new Error('something else')
  await expect(retryConflicts(failing(conflict(), other), { baseDelayMs: 1 })).rejects.toBe(other)
})

test('waits for a random time below a limit that doubles up to maxDelayMs', async () => {
  vi.spyOn(Math, 'random').mockReturnValue(0.5)
  const timer = vi.spyOn(timers, 'setTimeout').mockResolvedValue(undefined)
  syncBuiltinESMExports()
  const work = failing(conflict(), conflict(), conflict(), conflict())
  expect(await retryConflicts(work, { baseDelayMs: 100, maxDelayMs: 500 })).toBe(5)
  expect(timer.mock.calls.map(([delayMs]) => delayMs)).toEqual([50, 100, 200, 250])
})

test('rejects with the last conflict when the signal is aborted during a wait', async () => {
  vi.spyOn(Math, 'random').mockReturnValue(1)
  const error = conflict()
  const controller = new AbortController()
  const done = retryConflicts(failing(error), {
    baseDelayMs: 3_600_000,
    maxDelayMs: 3_600_000,
    signal: controller.signal,
  })
  controller.abort()
  await expect(done).rejects.toBe(error)
})

test.each<[RetryOptions, string]>([
  [{ maxAttempts: 0 }, 'maxAttempts'],
  [{ maxAttempts: 1.5 }, 'maxAttempts'],
  [{ baseDelayMs: -1 }, 'baseDelayMs'],
  [{ maxDelayMs: NaN }, 'maxDelayMs'],
  [{ maxDelayMs: 3_600_001 }, 'maxDelayMs'],
  [{ retries: 3 } as never, 'options.retries'],
])('rejects %j without running the work', async (options, option) => {
  const work = vi.fn()
  await expect(retryConflicts(work, options)).rejects.toMatchObject({ code: 'INVALID_OPTION', option })
  expect(work).not.toHaveBeenCalled()
})
