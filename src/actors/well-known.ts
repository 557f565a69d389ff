/** Slots of the actors that live on every reactor and whose refs anyone can compute (see `wellKnownRef`). */
export const WELL_KNOWN = {
  guardian: 1,
  router: 2,
  registry: 3,
  retained: 4,
  listener: 5,
  interest: 6,
  storeClient: 7,
  shards: 8,
  restorer: 9,
  access: 10,
  clusterDoor: 11,
  shareInterest: 12,
} as const;
