import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'

/** An STS that refuses every request. */
export interface StubbornSts {
  url: string
  close(): Promise<void>
}

/** Starts an STS on loopback that refuses every request with an error code. */
export async function startStubbornSts(code: string): Promise<StubbornSts> {
  const server = createServer((_, response) => {
    const error = `<Error><Type>Sender</Type><Code>${code}</Code><Message>no</Message></Error>`
    response.writeHead(403, { 'content-type': 'text/xml' }).end(`<ErrorResponse>${error}</ErrorResponse>`)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    async close() {
      server.close()
      server.closeAllConnections()
      await once(server, 'close')
    },
  }
}
