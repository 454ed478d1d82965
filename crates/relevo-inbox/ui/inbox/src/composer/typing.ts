/** Says "typing" while keys are pressed: at most every three seconds, and no longer than four after the last one. */
export function typist(tell: (on: boolean) => void) {
  let on = false;
  let told = 0;
  let rest: ReturnType<typeof setTimeout> | undefined;
  const stop = () => {
    clearTimeout(rest);
    if (on) tell(false);
    on = false;
  };
  return {
    touch() {
      clearTimeout(rest);
      rest = setTimeout(stop, 4000);
      if (on && Date.now() - told < 3000) return;
      on = true;
      told = Date.now();
      tell(true);
    },
    stop,
  };
}
