import { startLocalCluster, type LocalCluster, type LocalInstance } from '@rds-iam/local'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { startDns, type TestDns } from '../servers/dns'
import { writeClusterHosts, type ClusterHosts } from '../support/cluster-hosts'
import { preload, rdsIam } from './command'

describe.each(['postgres', 'mysql'] as const)('doctor in a cluster of %s', (engine) => {
  let cluster: LocalCluster
  let hosts: ClusterHosts
  let names: TestDns
  beforeAll(async () => {
    ;[cluster, names] = await Promise.all([startLocalCluster({ engine, instances: 2 }), startDns()])
    hosts = writeClusterHosts(cluster)
  })
  afterAll(async () => {
    hosts.remove()
    await Promise.all([cluster.close(), names.close()])
  })

  const instance = (number: number) => cluster.instances[number - 1] as LocalInstance
  function doctor(
    host: string,
    flag: '--json' | '--watch',
    onLine?: (line: string, end: () => void) => void,
  ) {
    const { user, port, env } = cluster
    const login = { host, port, user, engine, ca: hosts.caFile }
    const args = Object.entries(login).flatMap(([name, value]) => [`--${name}`, String(value)])
    const surroundings = {
      ...env,
      // No STS.
      AWS_ENDPOINT_URL_STS: 'http://127.0.0.1:1',
      ...preload({ TEST_DNS: names.address, TEST_HOSTS: hosts.file }),
    }
    return rdsIam(['doctor', ...args, flag], surroundings, {
      begun: (child) => {
        if (!onLine) return
        let text = ''
        child.stdout?.on('data', (chunk: Buffer) => {
          const lines = (text + chunk.toString()).split('\n')
          text = lines.pop() ?? ''
          for (const line of lines) onLine(line, () => void child.kill('SIGINT'))
        })
      },
    })
  }
  async function diagnose(host: string) {
    const { status, stdout } = await doctor(host, '--json')
    const { findings, causes } = JSON.parse(stdout)
    return { status, server: findings.at(-1).seen, causes }
  }

  test('says which instance it is', async () => {
    expect(await diagnose(cluster.host)).toEqual({
      status: 0,
      server: expect.stringMatching(/, a writer \(local-1\), over TLSv1\.3$/),
      causes: [],
    })
    expect(await diagnose(cluster.readerHost)).toEqual({
      status: 0,
      server: expect.stringMatching(/, a reader \(local-2; the writer is local-1\), over TLSv1\.3$/),
      causes: [],
    })
  })

  test('finds that a writer endpoint leads to a reader', async () => {
    hosts.set(cluster.host, instance(2).address)
    expect(await diagnose(cluster.host)).toMatchObject({
      status: 1,
      server: expect.stringContaining('a reader (local-2; the writer is local-1)'),
      causes: [{ code: 'READER_ENDPOINT', why: expect.stringContaining(cluster.host) }],
    })
    hosts.update()
  })

  test('--watch shows a failover, beside what DNS says', async () => {
    const [old, next] = [instance(1), instance(2)]
    const steps: [line: string, act?: () => void][] = [
      [`  ${old.address}  writer local-1`, () => void cluster.failover()],
      [`  ${old.address}  reader local-1`, () => hosts.update()],
      [`  ${next.address}  writer local-2`],
    ]
    const { status, stdout, stderr } = await doctor(cluster.host, '--watch', (line, end) => {
      const [[expected, act = end] = []] = steps
      if (expected === undefined || !line.endsWith(expected)) return
      steps.shift()
      act()
    })
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' })
    const [, summary] = stdout.split(/(?=^with rds-iam: )/m)
    expect(summary).toMatch(/^with rds-iam: \d+ logins at a writer, 0 at a reader, \d failed\n/)
    expect(summary?.match(/^ .* the writer is local-2$/gm)).toHaveLength(2)
  })
})
