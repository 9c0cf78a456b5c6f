/** Says in one line why something failed, and what to do where that is known. */
export function explain(error: unknown): string {
  const { message, code, address, port } = error as NodeJS.ErrnoException & {
    address?: string
    port?: number
  }
  if (code === 'EADDRINUSE')
    return `port ${port} is taken on ${address}: choose another one, or leave it out for a free one`
  if (code === 'EACCES' && port !== undefined) return `port ${port} needs more rights: choose one above 1023`
  if (code === 'EADDRNOTAVAIL') return `${address} is no address of this machine: choose another --host`
  return (error instanceof Error ? message : String(error)).trim().replace(/\s*\n\s*/g, ' | ')
}
