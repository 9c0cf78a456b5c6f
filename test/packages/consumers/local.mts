// The types that a test suite with the local endpoint sees.
import { startLocalRds, type LocalRds, type LocalRdsOptions } from '@rds-iam/local'

const options: LocalRdsOptions = { engine: 'postgres' }
export const rds: Promise<LocalRds> = startLocalRds(options)
export const use = async ({ host, port, ca, env, close }: LocalRds): Promise<[string, number, string]> => {
  Object.assign(process.env, env)
  await close()
  return [host, port, ca]
}
// @ts-expect-error: there are two engines
void startLocalRds({ engine: 'oracle' })
