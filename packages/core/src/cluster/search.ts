import { lookup } from 'node:dns'
import { withTimeout } from '../with-timeout'
import { isOutage, isRefusal } from './failures'
import type { Answer, Member, Probe } from './probe'

const PAUSE_MS = 100
/** The longest pause after a connection that failed. */
const LONGEST_PAUSE_MS = 500
/** Time for a login, and for an answer. Doubles with each failure of a server, for servers that are slow. */
const ANSWER_MS = 1_000
const LONGEST_ANSWER_MS = 8_000
/**
 * When to take a read-only server that is no reader for the writer. It is the old server of a blue/green deployment, or
 * the cluster is read-only by its configuration and has no other writer.
 */
const READ_ONLY_MS = 3_000
/** Time for the first candidate to answer alone. */
const FIRST_ANSWER_MS = 500
/** How many times to ask a server before looking up its name again: the name may lead to another server by then. */
const QUESTIONS_PER_LOOKUP = 5

/** The writer, and the connection that it was found by. */
export interface Found {
  host: string
  address: string
  answer: Answer
}

/** A host to look at. */
export interface Candidate {
  host: string
  /** Default: the addresses in DNS. */
  address?: string | undefined
}

/** A server that a search asks. */
interface Asked {
  host: string
  address: string
  /** Time for the login, and for each answer. */
  limitMs: number
  /** Finds the addresses that the host has now. */
  find(): Promise<string[]>
}

export interface SearchOptions {
  candidates: readonly Candidate[]
  /** The server to ask first. The others are asked too, unless it soon answers that it is the writer. */
  first?: Candidate | undefined
  /** Whether an error that the first server answers with ends the search: it shows that the server is running. */
  endsOnError: boolean
  /** Dials an address, and logs in to the server as `host`. */
  open(host: string, address: string, signal: AbortSignal): Promise<Probe>
  /** Gets a server's list of instances, and returns the hosts of all instances that are known. */
  onMembers(members: readonly Member[]): string[]
  signal: AbortSignal
}

/**
 * Asks each candidate, and each instance that a server lists, until a server answers that it is the writer itself. The
 * role in a list is ignored, because a reader's list may be stale. Keeps one connection to each server. Returns
 * 'refused' if every server refused the login, and undefined if it was aborted or if `endsOnError` applies.
 */
export function searchWriter(options: SearchOptions): Promise<Found | 'refused' | undefined> {
  const { candidates, first, endsOnError, open, onMembers, signal } = options
  const search = new AbortController()
  const over = AbortSignal.any([signal, search.signal])
  const seen = new Set<string>()
  const taken = new Set<string>()
  const startMs = performance.now()

  return new Promise((resolve) => {
    let running = 0
    let widen = (): void => {}
    const end = (found?: Found | 'refused'): void => {
      resolve(found)
      search.abort()
    }
    signal.addEventListener('abort', () => end(), { once: true })
    run(start())

    async function start(): Promise<void> {
      if (first) {
        const isOver = new Promise<void>((goOn) => (widen = goOn))
        run(watch(first))
        await Promise.race([isOver, pause(FIRST_ANSWER_MS, over)])
      }
      for (const candidate of candidates) add(candidate)
    }

    function add(candidate: Candidate): void {
      if (over.aborted || seen.has(candidate.host)) return
      seen.add(candidate.host)
      run(watch(candidate))
    }

    function run(task: Promise<void>): void {
      running++
      void task.finally(() => {
        if (--running === 0) end('refused')
      })
    }

    /** Asks the server behind one name until the search is over, or until it refuses the login. */
    async function watch({ host, address: known }: Candidate): Promise<void> {
      const find = async (): Promise<string[]> => (known ? [known] : addressesOf(host))
      for (let failures = 0; !over.aborted;) {
        let pauseMs = LONGEST_PAUSE_MS
        try {
          // Two names may lead to one server: the second name waits, in case its address changes.
          const free = (await find()).filter((one) => !taken.has(one))
          // A name may have an address that this machine does not reach, of IPv6 for example.
          const address = free[failures % free.length]
          const limitMs = Math.min(ANSWER_MS * 2 ** failures, LONGEST_ANSWER_MS)
          if (address) await ask({ host, address, limitMs, find })
        } catch (error) {
          widen()
          if (isRefusal(error)) return
          if (endsOnError && known !== undefined && !isOutage(error)) return end()
          pauseMs = Math.min(PAUSE_MS * 2 ** failures++, LONGEST_PAUSE_MS)
        }
        await pause(pauseMs, over)
      }
    }

    /** Asks one server until it fails, is the writer, or is not the one that the name leads to any more. */
    async function ask({ host, address, limitMs, find }: Asked): Promise<void> {
      const session = new ProbeSession((login) => open(host, address, login), limitMs)
      const close = (): void => session.close()
      over.addEventListener('abort', close)
      taken.add(address)
      let addresses: string[] | undefined
      try {
        for (let questions = 1; !over.aborted; questions++) {
          const answer = await session.ask()
          const members = onMembers(answer.members)
          const mayBeWriter = answer.isReadOnly === true && performance.now() - startMs > READ_ONLY_MS
          if (answer.isWriter || mayBeWriter) return end({ host, address, answer })
          widen()
          for (const member of members) add({ host: member })
          await pause(PAUSE_MS, over)
          if (addresses && !addresses.includes(address)) return
          // Do not wait for DNS, which may be slow in an outage.
          if (questions % QUESTIONS_PER_LOOKUP === 0)
            find().then(
              (found) => (addresses = found),
              () => {},
            )
        }
      } finally {
        over.removeEventListener('abort', close)
        close()
        taken.delete(address)
      }
    }
  })
}

/** Logs in to a server, asks it once, and closes the connection. */
export async function askOnce(open: (signal: AbortSignal) => Promise<Probe>): Promise<Answer> {
  const session = new ProbeSession(open, ANSWER_MS)
  try {
    return await session.ask()
  } finally {
    session.close()
  }
}

/** A probe that connects when it is first asked. Its login and each answer have a time limit. */
class ProbeSession {
  readonly #login = new AbortController()
  readonly #open: (signal: AbortSignal) => Promise<Probe>
  readonly #limitMs: number
  #probe: Probe | undefined
  #isClosed = false

  constructor(open: (signal: AbortSignal) => Promise<Probe>, limitMs: number) {
    this.#open = open
    this.#limitMs = limitMs
  }

  async ask(): Promise<Answer> {
    this.#probe ??= await this.#limit(this.#open(this.#login.signal))
    return this.#limit(this.#probe.ask())
  }

  /** Logs out properly, so that the server does not log a lost connection. */
  close(): void {
    if (this.#isClosed) return
    this.#isClosed = true
    if (this.#probe) this.#probe.close()
    else this.#login.abort()
  }

  #limit<T>(promise: Promise<T>): Promise<T> {
    return withTimeout(this.#limitMs, promise, () => new Error(`no answer within ${this.#limitMs} ms`))
  }
}

/** The addresses of a host, as the drivers find them. */
export function addressesOf(host: string): Promise<string[]> {
  return new Promise((resolve, reject) => {
    lookup(host, { all: true }, (error, found) =>
      error ? reject(error) : resolve(found.map(({ address }) => address)),
    )
  })
}

/** Waits for a quarter less or more than `ms`, so that the processes of an application do not ask in step. */
export function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const end = (): void => {
      clearTimeout(timer)
      signal.removeEventListener('abort', end)
      resolve()
    }
    const timer = setTimeout(end, ms * (0.75 + Math.random() / 2))
    if (signal.aborted) end()
    else signal.addEventListener('abort', end)
  })
}
