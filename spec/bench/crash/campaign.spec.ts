/** A few kills of a real node: what `npm run crash` does at length. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { runCampaign } from '../../../bench/crash/campaign.ts';

const test = suite('crash');

test('a node that is killed under load keeps what it has acknowledged', async () => {
  const report = await runCampaign({
    kills: 3,
    secondsMax: 15,
    seed: 11,
    loadMsMax: 500,
    killsPerDirectory: 3,
    settings: [],
    keep: false,
    onKill: () => {},
  });
  assert.equal(report.faults, []);
  assert.ok(report.kills >= 1 && report.seconds > 0);
});

test.run();
