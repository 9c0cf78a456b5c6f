/** Waits for a promise, `limitMs` at most; then rejects with what `onTimeout` makes. The promise itself goes on. */
export async function withTimeout<T>(
  limitMs: number,
  promise: Promise<T>,
  onTimeout: () => Error,
): Promise<T> {
  let timer: NodeJS.Timeout | undefined
  const limit = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(onTimeout()), limitMs)
  })
  try {
    return await Promise.race([promise, limit])
  } finally {
    clearTimeout(timer)
  }
}
