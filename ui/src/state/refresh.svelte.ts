/** Whether views refresh by themselves: not while the reader paused them or the page is hidden. */

class Refresh {
  paused = $state(false);
  hidden = $state(document.hidden);

  constructor() {
    document.addEventListener("visibilitychange", () => {
      this.hidden = document.hidden;
    });
  }

  get active(): boolean {
    return !this.paused && !this.hidden;
  }
}

export const refresh = new Refresh();

export const REFRESH_MS = 3000;
