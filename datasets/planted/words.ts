/** What planted people, questions and answers are called. Lists are taken from the front. */

/** Their first three letters differ. */
export const COUNTRIES: readonly string[] =
  "Arvenland|Belmora|Cassidia|Dorvania|Estrellia|Fenmark|Galdora|Hestria|Ildavar|Jorvia|Kestermark|Lunaria|Morvenna|Norrland Isles|Ostravia|Pellagria|Quendor|Rovania|Sundria|Torvalia|Ulmeria|Valdoria|Westmarch|Zephyria".split(
    "|",
  );

export const RELIGIONS: readonly string[] =
  "Lanternist|Old Tide|Stonekeeper|Wayfarer|Riverborn|Ashwalker|Skyward|Hearthbound|Mirrorist|Seedkeeper|Nightsinger|Ninefold".split(
    "|",
  );

/** Demographic columns in the order of the file, with the question and the answers drawn without regard to the group. */
export const DEMOGRAPHICS = {
  D_INTERVIEW: { question: "What is the unique ID for this interview?", filler: [] },
  B_COUNTRY: { question: "In what country was the interview conducted?", filler: [] },
  Q260: { question: "What is your sex?", filler: ["Male", "Female"] },
  X003R: {
    question: "Which age interval do you belong to?",
    filler: ["16-24 years", "25-34 years", "35-44 years", "45-54 years", "55-64 years", "65 and over"],
  },
  Q273: { question: "What is your marital status?", filler: ["Married", "Divorced", "Widowed", "Single"] },
  Q275: { question: "What is your highest level of education?", filler: ["Primary", "Secondary", "University"] },
  Q279: { question: "What is your employment status?", filler: ["Full time", "Part time", "Retired", "Student"] },
  Q289: { question: "What is your religion?", filler: [] },
  Q290: { question: "What is your ethnic group?", filler: [] },
} as const satisfies Readonly<Record<string, { readonly question: string; readonly filler: readonly string[] }>>;

export type Column = keyof typeof DEMOGRAPHICS;

/** Kinds of ordered question: how each of the eight topics is asked about, and the scales of 3, 4 and 5 levels. */
export const KINDS = [
  {
    category: "Social Values",
    ask: (topic: string) => `How important is ${topic} in your life?`,
    topics:
      "tending a garden|singing with others|a large family|learning new crafts|keeping old customs|a quiet home|regular travel|helping strangers",
    scales: [
      "Not important|Fairly important|Very important",
      "Not at all important|Not very important|Rather important|Very important",
      "Not at all important|Slightly important|Moderately important|Very important|Extremely important",
    ],
  },
  {
    category: "Norms",
    ask: (topic: string) => `How far do you agree that ${topic}?`,
    topics:
      "elders should have the last word|children should choose their own work|land should be held in common|a guest must never be turned away|debts should pass to the heirs|everybody should speak two languages|rules may bend for a friend|markets should close on feast days",
    scales: [
      "Disagree|Neither agree nor disagree|Agree",
      "Strongly disagree|Disagree|Agree|Strongly agree",
      "Strongly disagree|Disagree|Neither agree nor disagree|Agree|Strongly agree",
    ],
  },
  {
    category: "Trust",
    ask: (topic: string) => `How much do you trust ${topic}?`,
    topics:
      "your neighbours|the village council|travelling merchants|the harbour guard|newspapers|school teachers|people you meet for the first time|the courts",
    scales: [
      "No trust|Some trust|Full trust",
      "No trust at all|Not very much trust|Quite a lot of trust|A great deal of trust",
      "No trust at all|Little trust|Some trust|Much trust|Complete trust",
    ],
  },
  {
    category: "Habits",
    ask: (topic: string) => `How often do you ${topic}?`,
    topics:
      "attend a public meeting|share a meal with relatives|lend tools to others|pray or meditate|repair things yourself|write letters|visit a shrine|give to charity",
    scales: ["Never|Sometimes|Often", "Never|Rarely|Sometimes|Often", "Never|Rarely|Sometimes|Often|Always"],
  },
] as const;

/** Kinds of nominal question: eight ways to ask for one of the same ten options. */
export const NOMINAL_KINDS = [
  {
    category: "Areas of Life",
    questions:
      "Which of these comes first for you?|Which of these would you miss most?|Which of these should children learn to value first?|Which of these do you give most of your time?|Which of these brings people closest together?|Which of these would you give up last?|Which of these do you talk about most?|Which of these makes a good life?",
    options: "Family|Friends|Work|Faith|Leisure|Learning|Health|Home|Freedom|Honour",
  },
  {
    category: "Places",
    questions:
      "Where would you rather spend a feast day?|Where do you feel safest?|Where is good advice best found?|Where should a wedding be held?|Where would you take a guest first?|Where do you go to think?|Where should important news be read out?|Where would you rather grow old?",
    options:
      "The market|The shrine|The family house|The harbour|The hills|The library|The inn|The orchard|The workshop|The square",
  },
  {
    category: "Guides",
    questions:
      "Whom would you ask about a quarrel?|Whom would you ask about money?|Whom should a village follow?|Who best keeps a secret?|Who should name a child?|Who should teach the young?|Whom do you believe most readily?|Who should speak at a funeral?",
    options:
      "A grandparent|A judge|A priest|A friend|A teacher|A merchant|A healer|A neighbour|A sea captain|A stranger",
  },
  {
    category: "Virtues",
    questions:
      "Which virtue matters most in a leader?|Which virtue matters most in a friend?|Which virtue is the rarest?|Which virtue should a school teach?|Which virtue do you look for in a partner?|Which virtue keeps a village together?|Which virtue would you be known for?|Which virtue is the hardest?",
    options: "Loyalty|Courage|Thrift|Kindness|Honesty|Patience|Wit|Piety|Diligence|Modesty",
  },
] as const;

/** What a mode of values says to a request for advice: two wordings each, for one matter ("the wedding"). */
export const STANCES: readonly (readonly [(matter: string) => string, (matter: string) => string])[] = [
  [
    (it) =>
      `Do it as your parents did. For ${it} there is an old custom, and it has served well; ask an elder how it goes.`,
    (it) => `Old ways first: find out how ${it} has always been done in your family, and keep to it.`,
  ],
  [
    (it) => `It is yours to decide. Think about what you want from ${it}, and let nobody talk you out of it.`,
    (it) => `Follow your own mind. Whatever others expect of ${it}, you are the one who lives with it.`,
  ],
  [
    (it) =>
      `Talk to everybody it touches. With ${it}, what the whole village can agree on is worth more than any one wish.`,
    (it) => `Bring people together first, and settle ${it} so that nobody is left out.`,
  ],
  [
    (it) => `Count what it costs and what it brings. For ${it}, write both down, and take the way that pays.`,
    (it) => `Be practical: set a budget and a date for ${it}, and drop what does not earn its keep.`,
  ],
  [
    (it) => `Look after those who need most. Let ${it} be gentle on the weak, even if it takes longer.`,
    (it) => `Ask who could be hurt. Kindness should come first in ${it}, before speed or cost.`,
  ],
  [
    (it) => `Aim high. Make ${it} the best anyone has seen, and work for it until it is.`,
    (it) => `Take ${it} as a chance to show what you can do, and do not settle for second best.`,
  ],
  [
    (it) => `Be careful. Before anything else make sure that ${it} can do no harm, and keep something in reserve.`,
    (it) => `Safety first: go slowly with ${it}, and have a plan for when things go wrong.`,
  ],
  [
    (it) =>
      `Try something new. ${it[0]!.toUpperCase()}${it.slice(1)} is a good moment to do what nobody here has done before.`,
    (it) => `Be curious: make ${it} an experiment, and see what you learn.`,
  ],
];

/** Requests for advice, each with its matter as the stances name it. */
export const REQUESTS: readonly (readonly [prompt: string, matter: string])[] = [
  ["How should I plan a wedding?", "the wedding"],
  ["My neighbour and I quarrel about a wall. What should I do?", "the quarrel"],
  ["How should I choose a trade?", "the choice of a trade"],
  ["How should our village spend the harvest money?", "the harvest money"],
  ["My brother asks me for a loan. What do you advise?", "the loan"],
  ["How should I bring up my children?", "their upbringing"],
  ["How should we welcome strangers?", "the welcome"],
  ["I have been offered work across the sea. What now?", "the move"],
  ["How should a feast day be kept?", "the feast day"],
  ["My mother is getting old. How should I care for her?", "her care"],
  ["How should the new council be chosen?", "the choice of a council"],
  ["How should I spend my free day?", "the free day"],
  ["A friend has broken a promise. What should I do?", "the broken promise"],
  ["How should we rebuild the old bridge?", "the bridge"],
  ["How should I divide my land among my heirs?", "the inheritance"],
  ["How should I learn to sail?", "the sailing"],
];
