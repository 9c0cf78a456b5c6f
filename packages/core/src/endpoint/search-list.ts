const RESOLV_CONF = '/etc/resolv.conf'

/**
 * The names to ask DNS for in place of one that somebody configured, in order: a short name is completed by the search
 * list of resolv.conf, as the system's resolver does for the names that are dialled. Node's DNS queries do not.
 */
export async function candidateNames(name: string): Promise<string[]> {
  const { readFile } = (require('node:fs') as typeof import('node:fs')).promises
  // Without the file, as on Windows, there is no search list to know.
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
    // The root, `.`, completes nothing.
    if (keyword === 'search' || keyword === 'domain')
      search = values.map((domain) => domain.replace(/\.$/, '')).filter(Boolean)
    if (keyword !== 'options') continue
    for (const value of values) ndots = Number(/^ndots:(\d+)$/.exec(value)?.[1] ?? ndots)
  }
  return { search, ndots }
}
