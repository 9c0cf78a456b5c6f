const RESOLV_CONF = '/etc/resolv.conf'

/**
 * The names to query DNS for, in order. Completes a short name with the search list of resolv.conf, as the system's
 * resolver does when a program connects; Node's DNS queries ignore the search list.
 */
export async function candidateNames(name: string): Promise<string[]> {
  const { readFile } = (require('node:fs') as typeof import('node:fs')).promises
  // Without the file, as on Windows, the search list is empty.
  const { search, ndots } = readResolvConf(await readFile(RESOLV_CONF, 'utf8').catch(() => ''))
  const completed = search.map((domain) => `${name}.${domain}`)
  const dots = name.split('.').length - 1
  return dots >= ndots ? [name, ...completed] : [...completed, name]
}

/** Reads resolv.conf (resolv.conf(5)): the last `search` or `domain` counts, and the last `ndots`. */
function readResolvConf(text: string): { search: string[]; ndots: number } {
  let search: string[] = []
  let ndots = 1
  for (const line of text.split('\n')) {
    const [keyword, ...values] = line.trim().split(/\s+/)
    // Skip the root domain, `.`: it adds nothing to a name.
    if (keyword === 'search' || keyword === 'domain')
      search = values.map((domain) => domain.replace(/\.$/, '')).filter(Boolean)
    if (keyword !== 'options') continue
    for (const value of values) ndots = Number(/^ndots:(\d+)$/.exec(value)?.[1] ?? ndots)
  }
  return { search, ndots }
}
