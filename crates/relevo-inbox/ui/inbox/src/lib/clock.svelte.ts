/** One second hand for the whole page, set by the server's clock; it rests while nobody looks. */
class Clock {
  now = $state(Date.now());
  #ahead = 0;
  #timer: ReturnType<typeof setInterval> | undefined;

  /** How far the server is ahead of this machine is learnt from its welcome. */
  set(serverTime: string) {
    const told = Date.parse(serverTime);
    if (Number.isFinite(told)) this.#ahead = told - Date.now();
    this.#tick();
  }

  start() {
    document.addEventListener('visibilitychange', () => (document.hidden ? this.#stop() : this.#run()));
    this.#run();
  }

  #run() {
    this.#stop();
    this.#tick();
    this.#timer = setInterval(() => this.#tick(), 1000);
  }

  #stop() {
    clearInterval(this.#timer);
  }

  #tick() {
    this.now = Date.now() + this.#ahead;
  }
}

export const clock = new Clock();
