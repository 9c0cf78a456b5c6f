const start = performance.now()

/** Prints one line of the story, with the seconds since the demo began. */
export function say(text: string): void {
  const seconds = ((performance.now() - start) / 1000).toFixed(2).padStart(6)
  console.log(`${seconds} s  ${text}`)
}

/** Prints a heading. */
export function chapter(title: string): void {
  console.log(`\n          ${title}`)
}

/** Runs a step and prints what it did. */
export async function step<T>(done: (result: T) => string, work: () => Promise<T>): Promise<T> {
  const result = await work()
  say(done(result))
  return result
}
