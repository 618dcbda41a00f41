// A simulated web shop. Every second of its life is made from the seed and that second alone, so that any stretch of time can be
// replayed, in any order, with the same events. It has a daily rhythm, weekends, long-tailed products and users, campaigns, and
// the incidents that a real shop has.
import { Rng } from '../core/rng.ts';

export interface ShopOptions {
  seed: number;
  /** Mean events a second at an average hour. */
  rate: number;
}

const hourMs = 3_600_000;
const dayMs = 86_400_000;

const products = 2000;
const users = 60_000;

const categories = ['shoes', 'jackets', 'bags', 'shirts', 'watches', 'books', 'garden', 'kitchen'];
const countries = ['DE', 'KR', 'US', 'FR', 'GB', 'JP', 'BR', 'IN', 'PL', 'SE'];
const agents = ['Chrome', 'Safari', 'Firefox', 'Edge', 'Android', 'iOS'];
const methods = ['card', 'paypal', 'invoice', 'transfer'];

/** What is different about a moment. */
export interface Moment {
  /** Campaign that brings visitors, and how many times as many. */
  campaign: string | undefined;
  boost: number;
  /** Factor on latencies while a slow version is deployed. */
  slowness: number;
  version: string;
  /** The payment provider is down. */
  outage: boolean;
  /** Share of all events that a bot sends. */
  botShare: number;
}

/** One day's incidents, from the seed and the day. Start and end in milliseconds of the day. */
interface DayPlan {
  campaign: { name: string; start: number; end: number } | undefined;
  slow: { start: number; end: number };
  outage: { start: number; end: number } | undefined;
  bot: { start: number; end: number } | undefined;
  version: string;
}

export class Shop {
  private readonly seed: number;
  private readonly rate: number;
  private readonly plans = new Map<number, DayPlan>();

  constructor(options: ShopOptions) {
    this.seed = options.seed;
    this.rate = options.rate;
  }

  private random(kind: number, index: number): Rng {
    return new Rng(((this.seed * 31 + kind) % 1_048_576) * 4_294_967_296 + (index % 4_294_967_296));
  }

  private dayPlan(day: number): DayPlan {
    let plan = this.plans.get(day);
    if (plan) return plan;
    const random = this.random(1, day);
    const at = (fromHour: number, toHour: number): number =>
      (fromHour + random.float() * (toHour - fromHour)) * hourMs;
    const slowStart = at(8, 18);
    const campaignStart = at(9, 15);
    const outageStart = at(10, 21);
    const botStart = at(0, 23);
    plan = {
      campaign:
        random.float() < 0.5
          ? {
              name: random.pick(['newsletter', 'summer-sale', 'influencer']),
              start: campaignStart,
              end: campaignStart + 3 * hourMs,
            }
          : undefined,
      slow: { start: slowStart, end: slowStart + (15 + 30 * random.float()) * 60_000 },
      outage:
        random.float() < 0.6
          ? { start: outageStart, end: outageStart + (4 + 10 * random.float()) * 60_000 }
          : undefined,
      bot: random.float() < 0.7 ? { start: botStart, end: botStart + 20 * 60_000 } : undefined,
      version: `3.${day % 100}`,
    };
    if (this.plans.size > 1000) this.plans.clear();
    this.plans.set(day, plan);
    return plan;
  }

  /** What is different at a time. */
  moment(timeMs: number): Moment {
    const day = Math.floor(timeMs / dayMs);
    const at = timeMs - day * dayMs;
    const plan = this.dayPlan(day);
    const within = (span: { start: number; end: number } | undefined): boolean =>
      span !== undefined && at >= span.start && at < span.end;
    const campaign = within(plan.campaign) ? plan.campaign : undefined;
    return {
      campaign: campaign?.name,
      boost: campaign ? 1 + 0.8 * Math.exp(-(at - campaign.start) / hourMs) : 1,
      slowness: within(plan.slow) ? 3.5 : 1,
      version: at >= plan.slow.start ? plan.version : `3.${(day - 1 + 100) % 100}`,
      outage: within(plan.outage),
      botShare: within(plan.bot) ? 0.35 : 0,
    };
  }

  /** Events a second that are to be expected at a time: two waves a day, quieter weekends. */
  intensity(timeMs: number): number {
    const hour = (timeMs % dayMs) / hourMs;
    const daily =
      1 +
      0.55 * Math.sin(((hour - 9.5) / 24) * 2 * Math.PI) +
      0.2 * Math.sin(((hour - 3) / 12) * 2 * Math.PI);
    const weekday = new Date(timeMs).getUTCDay();
    const week = weekday === 0 ? 0.8 : weekday === 6 ? 0.7 : 1.1;
    return this.rate * Math.max(0.15, daily) * week * this.moment(timeMs).boost;
  }

  /** The events of one whole second as NDJSON lines, `share` of them (for history that is thinner than life). */
  second(secondOfTime: number, share = 1): string[] {
    const random = this.random(2, secondOfTime);
    const timeMs = secondOfTime * 1000;
    const moment = this.moment(timeMs);
    const human = poisson(random, this.intensity(timeMs) * share);
    const bot = poisson(random, (this.intensity(timeMs) * share * moment.botShare) / (1 - moment.botShare));
    const times = Array.from({ length: human + bot }, () => random.below(1000)).sort((a, b) => a - b);
    return times.map(offset => {
      const isBot = moment.botShare > 0 && random.float() < bot / (human + bot);
      return isBot
        ? this.botEvent(random, timeMs + offset, moment)
        : this.humanEvent(random, timeMs + offset, moment);
    });
  }

  private humanEvent(random: Rng, timeMs: number, moment: Moment): string {
    const user = zipf(random, users, 0.8);
    const product = zipf(random, products, 1.05);
    const category = categories[(product * 7) % categories.length]!;
    const price = 5 + ((product * 7919) % 19_500) / 100;
    const draw = random.float();
    const type = draw < 0.8 ? 'page_view' : draw < 0.93 ? 'cart' : draw < 0.97 ? 'order' : 'payment';
    const base = type === 'page_view' ? 35 : type === 'cart' ? 60 : type === 'order' ? 120 : 240;
    let latency = base * Math.exp(0.45 * random.gaussian()) * moment.slowness;
    let status = random.float() < 0.004 ? 404 : random.float() < 0.0008 * moment.slowness ? 500 : 200;
    if (type === 'payment' && moment.outage) {
      status = random.float() < 0.92 ? 503 : 200;
      latency += 5000;
    }
    const event: Record<string, unknown> = {
      _time: new Date(timeMs).toISOString(),
      type,
      user: `u${user}`,
      country: countries[Math.min(countries.length - 1, zipf(this.random(3, user), countries.length, 1) - 1)],
      agent: agents[user % agents.length],
      path: type === 'page_view' ? (product % 9 === 0 ? '/' : `/${category}/${product}`) : `/${type}`,
      status,
      latency_ms: Math.round(latency * 10) / 10,
      version: moment.version,
    };
    if (moment.campaign && random.float() < 0.4) event['campaign'] = moment.campaign;
    if (type !== 'page_view') {
      event['product'] = `p${product}`;
      event['category'] = category;
    }
    if (type === 'order' || type === 'payment') {
      const quantity = 1 + Math.min(5, Math.floor(random.exponential(1.4)));
      event['quantity'] = quantity;
      event['amount'] = Math.round(price * quantity * 100) / 100;
    }
    if (type === 'payment') event['method'] = methods[Math.min(3, Math.floor(random.exponential(1.2)))];
    return JSON.stringify(event);
  }

  private botEvent(random: Rng, timeMs: number, moment: Moment): string {
    return JSON.stringify({
      _time: new Date(timeMs).toISOString(),
      type: 'page_view',
      user: `bot${random.below(20)}`,
      country: 'US',
      agent: 'python-requests',
      path: '/login',
      status: random.float() < 0.97 ? 401 : 200,
      latency_ms: Math.round(80 * moment.slowness * Math.exp(0.2 * random.gaussian()) * 10) / 10,
      version: moment.version,
    });
  }
}

/** A Poisson variate: by multiplication for small means, by the normal approximation (rounded, not below 0) from 50. */
function poisson(random: Rng, mean: number): number {
  if (mean <= 0) return 0;
  if (mean >= 50) return Math.max(0, Math.round(mean + Math.sqrt(mean) * random.gaussian()));
  const limit = Math.exp(-mean);
  let product = random.float();
  let n = 0;
  while (product > limit) {
    product *= random.float();
    n++;
  }
  return n;
}

/** A rank in 1…n with probability about proportional to rank^-exponent, by inverting the continuous distribution. */
function zipf(random: Rng, n: number, exponent: number): number {
  const u = random.float();
  if (exponent === 1) return Math.min(n, Math.floor(Math.exp(u * Math.log(n + 1))));
  const power = 1 - exponent;
  return Math.min(n, Math.floor(((n + 1) ** power * u + (1 - u)) ** (1 / power)));
}
