// The events of an online auction house after the published Nexmark generator: of 50 events one is a new person, three are
// new auctions and 46 are bids. Half of the bids are for a hot auction, three quarters are by a hot bidder and three quarters
// of the auctions by a hot seller, the rest spread over the 100 newest auctions and the 1,000 newest people; prices are
// log-uniform from 1 to 10^6 (in cents); event time goes on by 10,000 events a second. Same seed, same bytes.
import { Rng } from '../../src/core/rng.ts';

/** The parts of 50 consecutive events. */
const people = 1;
const auctions = 3;
const all = 50;
export const eventsPerSecond = 10_000;
export const startMs = Date.UTC(2026, 0, 5, 7, 59, 59, 700);

const firstId = 1000;
const firstCategory = 10;
const categories = 5;
const inFlightAuctions = 100;
const activePeople = 1000;
/** Ids that bids and auctions may name before their person or auction has come. */
const idLead = 10;
/** The hot one is the first of each hundred. */
const hotOneOf = 100;
const channels = 10_000;
const hotChannels = ['Google', 'Facebook', 'Baidu', 'Apple'];
const givenNames = ['Ada', 'Ben', 'Carla', 'Dan', 'Eve', 'Finn', 'Gail', 'Hugo', 'Ines', 'Joe', 'Kim'];
const familyNames = ['Archer', 'Brook', 'Carter', 'Dale', 'Ford', 'Hill', 'Lane', 'Marsh', 'Wood'];
const states = ['AZ', 'CA', 'ID', 'OR', 'WA', 'WY'];
const cities = [
  'Phoenix',
  'Los Angeles',
  'Boise',
  'Portland',
  'Bend',
  'Redmond',
  'Seattle',
  'Kent',
  'Cheyenne',
];
/** Mean sizes of the generator's events in its own binary form, which set how long `extra` is. */
const meanBytes = { person: 200, auction: 500, bid: 100 };

/** The newest auction when event `n` is made, counted from 0. */
function newestAuction(n: number): number {
  const [round, at] = [Math.floor(n / all), n % all];
  return at < people ? round * auctions - 1 : round * auctions + Math.min(at - people, auctions - 1);
}

/** The newest person when event `n` is made, counted from 0. */
const newestPerson = (n: number): number => Math.floor(n / all) * people + Math.min(n % all, people - 1);

const letters = 'abcdefghijklmnopqrstuvwxyz';

export class NexmarkEvents {
  private readonly random: Rng;
  private readonly timeField: string;
  /** Texts are cut out of a long random one. */
  private readonly pool: string;
  private readonly urls: string[];
  private made = 0;

  /** `timeField`: the key of the event's time. */
  constructor(seed: number, timeField = '_time') {
    this.random = new Rng(seed);
    this.timeField = timeField;
    this.pool = Array.from({ length: 100_000 }, () =>
      this.random.below(13) === 0 ? ' ' : letters[this.random.below(26)],
    ).join('');
    const word = (): string =>
      Array.from({ length: 3 + this.random.below(3) }, () => letters[this.random.below(26)]).join('');
    this.urls = Array.from({ length: channels + hotChannels.length }, (_, channel) => {
      const url = `https://www.nexmark.com/${word()}/${word()}/${word()}/item.htm?query=1`;
      return this.random.below(10) > 0
        ? `${url}&channel_id=${(channel * 2_654_435_761) % 1_073_741_824}`
        : url;
    });
  }

  /** NDJSON of the next `count` events. */
  next(count: number): Buffer {
    let text = '';
    for (let i = 0; i < count; i++) text += this.event(this.made++);
    return Buffer.from(text, 'latin1');
  }

  private event(n: number): string {
    const timeMs = startMs + Math.floor((n * 1000) / eventsPerSecond);
    const at = n % all;
    if (at < people) return this.person(n, timeMs);
    return at < people + auctions ? this.auction(n, timeMs) : this.bid(n, timeMs);
  }

  private head(kind: string, timeMs: number): string {
    return `{"kind":"${kind}","${this.timeField}":"${new Date(timeMs).toISOString()}"`;
  }

  private person(n: number, timeMs: number): string {
    const { random } = this;
    const name = `${random.pick(givenNames)} ${random.pick(familyNames)}`;
    const email = `${this.text(7).replaceAll(' ', '_')}@${this.text(5).replaceAll(' ', '_')}.com`;
    const card = Array.from({ length: 4 }, () => String(random.below(10_000)).padStart(4, '0')).join(' ');
    const [city, state] = [random.pick(cities), random.pick(states)];
    const extra = this.extra(
      8 + name.length + email.length + card.length + city.length + 2,
      meanBytes.person,
    );
    return `${this.head('person', timeMs)},"id":${firstId + newestPerson(n)},"name":"${name}","emailAddress":"${email}","creditCard":"${card}","city":"${city}","state":"${state}","extra":"${extra}"}\n`;
  }

  private auction(n: number, timeMs: number): string {
    const { random } = this;
    const hot = random.below(4) > 0;
    const newest = newestPerson(n);
    const seller = firstId + (hot ? newest - (newest % hotOneOf) : this.somePerson(newest));
    const [initial, item, description] = [this.price(), this.text(20), this.text(100)];
    const horizonMs = Math.max(1, Math.floor((inFlightAuctions * all * 1000) / auctions / eventsPerSecond));
    const expires = new Date(timeMs + 1 + random.below(2 * horizonMs)).toISOString();
    const category = firstCategory + random.below(categories);
    const extra = this.extra(48 + item.length + description.length, meanBytes.auction);
    return `${this.head('auction', timeMs)},"id":${firstId + newestAuction(n)},"itemName":"${item}","description":"${description}","initialBid":${initial},"reserve":${initial + this.price()},"expires":"${expires}","seller":${seller},"category":${category},"extra":"${extra}"}\n`;
  }

  private bid(n: number, timeMs: number): string {
    const { random } = this;
    const newest = newestAuction(n);
    const least = Math.max(0, newest - inFlightAuctions);
    const auction =
      random.below(2) > 0 ? newest - (newest % hotOneOf) : least + random.below(newest - least + 1 + idLead);
    const person = newestPerson(n);
    const bidder = random.below(4) > 0 ? person - (person % hotOneOf) + 1 : this.somePerson(person);
    const isHot = random.below(2) > 0;
    const place = isHot ? channels + random.below(hotChannels.length) : random.below(channels);
    const channel = isHot ? hotChannels[place - channels] : `channel-${place}`;
    return `${this.head('bid', timeMs)},"auction":${firstId + auction},"bidder":${firstId + bidder},"price":${this.price()},"channel":"${channel}","url":"${this.urls[place]}","extra":"${this.extra(32, meanBytes.bid)}"}\n`;
  }

  private somePerson(newest: number): number {
    const active = Math.min(newest + 1, activePeople);
    return newest + 1 - active + this.random.below(active + idLead);
  }

  /** Cents. */
  private price(): number {
    return Math.round(10 ** (this.random.float() * 6) * 100);
  }

  private text(longest: number): string {
    return this.cut(3 + this.random.below(longest - 3));
  }

  /** What brings an event of `bytes` to about `mean` bytes, a fifth more or less. */
  private extra(bytes: number, mean: number): string {
    const wanted = mean - bytes;
    if (wanted <= 0) return '';
    const spread = Math.round(wanted * 0.2);
    return this.cut(wanted - spread + (spread === 0 ? 0 : this.random.below(2 * spread)));
  }

  private cut(length: number): string {
    const from = this.random.below(this.pool.length - length);
    return this.pool.slice(from, from + length);
  }
}

/** The stream's columns as they are learned from the events. */
export const eventColumns = [
  { name: 'kind', type: 'VARCHAR' },
  { name: '_time', type: 'TIMESTAMP' },
  { name: 'auction', type: 'BIGINT' },
  { name: 'bidder', type: 'BIGINT' },
  { name: 'price', type: 'BIGINT' },
  { name: 'channel', type: 'VARCHAR' },
  { name: 'url', type: 'VARCHAR' },
  { name: 'extra', type: 'VARCHAR' },
  { name: 'id', type: 'BIGINT' },
  { name: 'name', type: 'VARCHAR' },
  { name: 'emailAddress', type: 'VARCHAR' },
  { name: 'creditCard', type: 'VARCHAR' },
  { name: 'city', type: 'VARCHAR' },
  { name: 'state', type: 'VARCHAR' },
  { name: 'itemName', type: 'VARCHAR' },
  { name: 'description', type: 'VARCHAR' },
  { name: 'initialBid', type: 'BIGINT' },
  { name: 'reserve', type: 'BIGINT' },
  { name: 'expires', type: 'TIMESTAMP' },
  { name: 'seller', type: 'BIGINT' },
  { name: 'category', type: 'BIGINT' },
];
