import { sign } from '../sign'
import { tamper, type Attempt } from './contract'

/** The token of an attempt, made by AWS's signer for JavaScript. */
export async function tokenOf({ rds, region, signedFor, tampered }: Attempt): Promise<string> {
  const token = await sign(rds, { region, user: signedFor })
  return tampered ? tamper(token) : token
}
