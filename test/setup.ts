import { afterEach, beforeEach, expect, vi } from 'vitest'

// A library that prints is a library that one day prints a secret: whatever reaches the console fails the test.
const printed: unknown[][] = []
beforeEach(() => {
  for (const method of ['log', 'info', 'warn', 'error', 'debug', 'trace'] as const) {
    vi.spyOn(console, method).mockImplementation((...values: unknown[]) => void printed.push(values))
  }
})
afterEach(() => {
  expect(printed.splice(0)).toEqual([])
})
