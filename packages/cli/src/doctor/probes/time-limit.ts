/** Gives what a promise gives, or `onTimeout()` after a while; the promise itself goes on. */
export async function within<T, U>(limitMs: number, promise: Promise<T>, onTimeout: () => U): Promise<T | U> {
  let timer: NodeJS.Timeout | undefined
  const limit = new Promise<U>((resolve) => {
    timer = setTimeout(() => resolve(onTimeout()), limitMs)
  })
  try {
    return await Promise.race([promise, limit])
  } finally {
    clearTimeout(timer)
  }
}
