import { randomBytes } from 'node:crypto'
import type { Authority } from '../certificate'
import { LocalRds } from '../local-rds'
import type { ResolvedOptions } from '../resolve-options'
import type { ReplicatedServer } from './replicated-server'

/** A server of a cluster. */
export interface ClusterServer {
  id: string
  /** Counts from 1. A number is never used again. */
  number: number
  server: ReplicatedServer
}

/** A server with its endpoint, and the name and IP address of the endpoint. */
export interface ListeningServer extends ClusterServer {
  host: string
  address: string
  endpoint: LocalRds
}

/** Starts the endpoints of a cluster. Each has its own name and address, and all have the same port. */
export class ClusterEndpoints {
  /** The name of the cluster's writer endpoint. */
  readonly host: string
  /** The name of the cluster's reader endpoint. */
  readonly readerHost: string

  readonly #options: ResolvedOptions
  readonly #authority: Authority
  readonly #domain: string
  /** The first three octets of the addresses. */
  #network = ''
  #port = 0

  constructor(options: ResolvedOptions, authority: Authority) {
    const hash = Array.from(randomBytes(12), (byte) => (byte % 36).toString(36)).join('')
    this.#domain = `${hash}.${options.configuration.region}.rds.amazonaws.com`
    this.host = `local.cluster-${this.#domain}`
    this.readerHost = `local.cluster-ro-${this.#domain}`
    this.#options = options
    this.#authority = authority
  }

  /** Finds addresses on which the same port is free, and starts the endpoints there. */
  async startAll(servers: readonly ClusterServer[]): Promise<ListeningServer[]> {
    for (let network = 0; ; network++) {
      this.#network = `127.0.${network}`
      this.#port = this.#options.port
      const started: ListeningServer[] = []
      try {
        for (const server of servers) started.push(await this.start(server))
        return started
      } catch (error) {
        await Promise.all(started.map(({ endpoint }) => endpoint.close()))
        if ((error as NodeJS.ErrnoException).code !== 'EADDRINUSE' || network === 255) throw error
      }
    }
  }

  /** Starts the endpoint of one server, on the same port as the other endpoints. */
  async start(created: ClusterServer): Promise<ListeningServer> {
    const { id, number, server } = created
    const host = `${id}.${this.#domain}`
    const address = `${this.#network}.${10 + number}`
    const configuration = { ...this.#options.configuration, endpoints: [host, this.host, this.readerHost] }
    const endpoint = await LocalRds.listen(
      { ...this.#options, host: address, port: this.#port, configuration },
      {
        authority: this.#authority,
        server: {
          get backend() {
            return server.backend
          },
          rewrite: server.rewrite,
          addUsers: () => Promise.resolve(), // all endpoints have the users that the cluster was started with
          stop: () => Promise.resolve(), // the cluster stops its servers
        },
      },
    )
    this.#port = endpoint.port
    return { ...created, host, address, endpoint }
  }
}
