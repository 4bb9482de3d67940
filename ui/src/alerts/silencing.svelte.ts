/** The silence that is being written, which any of the alerts' views may begin; one dialog shows it. */

import type { Silence } from "../api/alerts";
import type { Labels } from "../api/metrics";
import { draftOf, type MatcherDraft, matchersFor } from "./matchers";

export interface SilenceDraft {
  /** Of the silence that is changed; "" for a new one. */
  id: string;
  /** Of the silence that it takes the place of, or is like; "" for an entirely new one. */
  of: string;
  matchers: MatcherDraft[];
  /** Unix milliseconds; null for now. */
  startsMs: number | null;
  /** It is active already, so that its beginning is settled. */
  begun: boolean;
  /** Unix milliseconds; null for a while from now. */
  endsMs: number | null;
  /** "" for whoever wrote the last one here. */
  author: string;
  comment: string;
  /** Fingerprints of the alerts that it was made for. */
  meant: string[];
}

class Silencing {
  draft = $state.raw<SilenceDraft | null>(null);

  /** Begins a silence that accepts some alerts. */
  begin(alerts: { labels: Labels; fingerprint: string }[]): void {
    this.draft = {
      id: "",
      of: "",
      matchers: matchersFor(alerts.map((one) => one.labels)),
      startsMs: null,
      begun: false,
      endsMs: null,
      author: "",
      comment: "",
      meant: alerts.map((one) => one.fingerprint),
    };
  }

  /** Changes a silence, or begins one like it where it is over. */
  change(silence: Silence): void {
    const over = silence.status.state === "expired";
    this.draft = {
      id: over ? "" : silence.id,
      of: silence.id,
      matchers: silence.matchers.map(draftOf),
      startsMs: over ? null : Date.parse(silence.startsAt),
      begun: silence.status.state === "active",
      endsMs: over ? null : Date.parse(silence.endsAt),
      author: over ? "" : silence.createdBy,
      comment: silence.comment,
      meant: [],
    };
  }
}

export const silencing = new Silencing();
