"""Words that people name digits, splits, writers and counters by, and what they stand for."""

import re
import unicodedata
from functools import cache
from typing import Final

__all__ = [
    "CLASS_WORDS",
    "COUNTER_WORDS",
    "GUESS_WORDS",
    "fold",
    "is_container",
    "is_guess",
    "is_part",
    "numeral",
    "roman",
    "says_nothing",
    "split_of",
    "spoken",
    "word_digit",
]

# Zero to nine; several spellings of one digit are separated by a bar.
_LANGUAGES: Final = {
    "English": "zero|nought one two three four five six seven eight nine",
    "English plural": "zeros|zeroes ones twos threes fours fives sixes sevens eights nines",
    "German": "null eins|ein|eine zwei drei vier funf|fuenf sechs sieben acht neun",
    "French": "zero un|une deux trois quatre cinq six sept huit neuf",
    "Spanish": "cero uno|un|una dos tres cuatro cinco seis siete ocho nueve",
    "Italian": "zero uno due tre quattro cinque sei sette otto nove",
    "Portuguese": "zero um|uma dois|duas tres quatro cinco seis|meia sete oito nove",
    "Dutch": "nul een twee drie vier vijf zes zeven acht negen",
    "Swedish": "noll ett|en tva tre fyra fem sex sju atta nio",
    "Danish": "nul en|et to tre fire fem seks syv otte ni",
    "Norwegian": "null en|ett to tre fire fem seks sju|syv atte ni",
    "Finnish": "nolla yksi kaksi kolme nelja viisi kuusi seitseman kahdeksan yhdeksan",
    "Polish": "zero jeden dwa trzy cztery piec szesc siedem osiem dziewiec",
    "Czech": "nula jedna|jeden dva tri ctyri pet sest sedm osm devet",
    "Hungarian": "nulla egy ketto|ket harom negy ot hat het nyolc kilenc",
    "Romanian": "zero unu|un doi|doua trei patru cinci sase sapte opt noua",
    "Turkish": "sifir bir iki uc dort bes alti yedi sekiz dokuz",
    "Vietnamese": "khong mot hai ba bon nam sau bay tam chin",
    "Indonesian": "nol|kosong satu dua tiga empat lima enam tujuh delapan sembilan",
    "Catalan": "zero u|un dos tres quatre cinc sis set vuit nou",
    "Croatian": "nula jedan dva tri cetiri pet sest sedam osam devet",
    "Swahili": "sifuri moja mbili tatu nne tano sita saba nane tisa",
    "Esperanto": "nul unu du tri kvar kvin ses sep ok nau",
    "Russian": "ноль|нуль один два три четыре пять шесть семь восемь девять",
    "Ukrainian": "нуль один два три чотири п'ять|пять шість сім вісім дев'ять|девять",
    "Greek": "μηδεν ενα δυο τρια τεσσερα πεντε εξι επτα|εφτα οκτω|οχτω εννεα|εννια",
    "Arabic": "صفر واحد اثنان|اثنين ثلاثة اربعة|أربعة خمسة ستة سبعة ثمانية تسعة",
    "Persian": "صفر یک دو سه چهار پنج شش هفت هشت نه",
    "Hindi": "शून्य एक दो तीन चार पांच|पाँच छह|छः सात आठ नौ",
    "Japanese": "れい|ゼロ いち に さん よん|し ご ろく なな|しち はち きゅう|く",
    "Korean": "영|공 일 이 삼 사 오 육 칠 팔 구",
    "Pinyin": "ling yi er san si wu liu qi ba jiu",
}
_CHINESE: Final = (
    "零〇○",
    "一壹",
    "二贰貳",
    "三叁參",
    "四肆",
    "五伍",
    "六陆陸",
    "七柒",
    "八捌",
    "九玖",
)
_ROMAN: Final = ("0", "i", "ii", "iii", "iv", "v", "vi", "vii", "viii", "ix", "x")


def _set(text: str) -> frozenset[str]:
    return frozenset(text.split())


CLASS_WORDS: Final = _set(
    "digit digits number num class label cls category cat target truth gt value ziffer zahl klasse "
    "chiffre classe numero cifra cifre clase digito cyfra siffra tal rakam sinif цифра"
)
# A number beside one of these counts things: it is no digit that somebody wrote.
COUNTER_WORDS: Final = _set(
    "page pages p pg sheet writer person people user student subject author w take version ver v "
    "copy kopie copie copia row line col column crop cell box part no nr frame series session day "
    "week month year group set batch fold seed cam camera screenshot screen whatsapp dsc dscn dscf "
    "pxl mvimg vid trial test train val run round lot seite blatt schreiber zeile hoja pagina "
    "feuille burst cover step epoch rev revision draft of id idx index room grade team level "
    "attempt try variant aug augmented rot pos position place slot field task question q exercise "
    "ex home hw lesson unit chapter sec section card form doc document film s u f b r"
)
# What stands beside one of these somebody or something guessed, or it is what is not shown.
GUESS_WORDS: Final = _set(
    "pred preds predict predicted prediction predictions guess guessed guesses yhat hat output "
    "outputs not non"
)
_SPLITS: Final = {
    "train": "train training trn tr trainset learn learning seen trainings trainingsdaten "
    "trainingsbilder lern entrenamiento entrainement apprentissage addestramento treino "
    "treinamento trening egitim 训练 обучение",
    "validation": "val valid va validation validate dev eval validierung validierungsdaten "
    "validacion validazione validacao 验证",
    "test": "test testing tst te testset holdout unseen testdaten testbilder prueba pruebas prova "
    "teste testes essai 测试 тест",
}
_SPLIT_OF: Final = {word: split for split, words in _SPLITS.items() for word in words.split()}
_BESIDE_SPLIT: Final = _set(
    "set sets data dataset images image imgs img pictures split digits mnist folder photos labels "
    "label annotations list sample samples daten bilder datos dati dados donnees"
)
# A folder of these and a number is a part of a collection, and nobody's name.
_PARTS: Final = _set(
    "page pages p pg sheet seite blatt hoja pagina feuille scan scans batch session day week month "
    "year round lot group gruppe series serie box part set fold run take roll album form formular "
    "camera cam exam test quiz lesson public private extra original originals augmented synthetic "
    "augmentation real clean noisy backup copy resized cropped processed preprocessed small large "
    "full all old new other misc"
)
_SIZE: Final = re.compile(r"\d+\s*[x×]\s*\d+\s*(px)?", re.IGNORECASE)
_DATE: Final = re.compile(
    r"(19|20)\d\d([-_. ]?(0?[1-9]|1[0-2])([-_. ]?(0?[1-9]|[12]\d|3[01]))?)?"
    r"|\d{1,2}[-_. ]\d{1,2}[-_. ](19|20)\d\d"
)
_CONTAINERS: Final = _set(
    "img imgs image images photo photos picture pictures pics data dataset datasets raw original "
    "originals files scans crops jpg jpeg png samples digits bilder fotos"
)


_NOTHING: Final = _set(
    "nan null none nil na n/a #n/a <na> ? ?? - -- – unlabeled unlabelled undefined missing"
)


def fold(text: str) -> str:
    """Return a text without case, accents and outer blanks, in its plainest letters."""
    plain = unicodedata.normalize("NFKD", text.strip().casefold())
    bare = "".join(each for each in plain if unicodedata.category(each) != "Mn")
    return unicodedata.normalize("NFC", bare).replace("ı", "i")


@cache
def _dictionaries() -> dict[str, dict[str, int]]:
    found: dict[str, dict[str, int]] = {}
    for language, words in _LANGUAGES.items():
        found[language] = {
            fold(spelling): digit
            for digit, spellings in enumerate(words.split())
            for spelling in spellings.split("|")
        }
    return found


def spoken(words: "frozenset[str] | set[str]") -> dict[str, dict[str, int]]:
    """Return the digit of each word in every language in which all of them are digits."""
    folded = {word: fold(word) for word in words}
    return {
        language: {word: known[bare] for word, bare in folded.items()}
        for language, known in _dictionaries().items()
        if all(bare in known for bare in folded.values())
    }


def word_digit(words: "frozenset[str] | set[str]") -> dict[str, int]:
    """Return the digit of each word, if all are the words for digits in one language.

    Two languages that take them for different digits give none; English needs no company.
    """
    readings = spoken(words)
    if "English" in readings:
        return readings["English"]
    first, *others = [*readings.values()] or [{}]
    # One word of a foreign language may be anybody's name.
    return first if len(words) > 1 and all(other == first for other in others) else {}


def numeral(text: str) -> int | None:
    """Return the value of one numeral of any script: ``7``, ``٧``, ``七``; None for others."""
    if len(text) != 1:
        return None
    digit = unicodedata.digit(text, None)
    if digit is not None:
        return digit
    for value, characters in enumerate(_CHINESE):
        if text in characters:
            return value
    return None


def roman(words: "frozenset[str] | set[str]") -> dict[str, int]:
    """Return the value of each Roman numeral, or 0, if all are and one has several letters."""
    folded = {word: word.strip().casefold() for word in words}
    if not all(each in _ROMAN for each in folded.values()) or max(map(len, folded.values())) < 2:
        return {}
    return {word: _ROMAN.index(each) for word, each in folded.items()}


def split_of(name: str) -> str:
    """Return ``train``, ``validation`` or ``test`` for a name that means a split, else nothing."""
    spaced = re.sub(r"([a-z])([A-Z])", r"\1 \2", name)
    tokens = [token for token in re.split(r"[\W_\d]+", fold(spaced)) if token]
    found = {_SPLIT_OF[token] for token in tokens if token in _SPLIT_OF}
    rest = [token for token in tokens if token not in _SPLIT_OF]
    is_only = all(token in _BESIDE_SPLIT for token in rest)
    return found.pop() if len(found) == 1 and is_only else ""


def says_nothing(text: str) -> bool:
    """Whether a cell of a table says that there is no label."""
    return fold(text) in _NOTHING


def is_container(name: str) -> bool:
    """Whether a folder's name only says that pictures lie in it."""
    return name.casefold() in _CONTAINERS


def is_guess(name: str) -> bool:
    """Whether a folder or a column holds what somebody or something guessed, by its name."""
    words = re.findall(r"[^\W\d_]+", name.casefold())
    return any(word in GUESS_WORDS and word not in ("not", "non") for word in words)


def is_part(name: str) -> bool:
    """Whether a folder's name is a date, or says which part of a collection lies in it."""
    if _DATE.fullmatch(name.strip()) or _SIZE.fullmatch(name.strip()):
        return True
    tokens = re.findall(r"[^\W\d_]+|\d+", _DATE.sub(" ", name).casefold())
    words = [token for token in tokens if not token.isdigit() and len(token) > 1]
    return bool(words) and all(word in _PARTS or word in _CONTAINERS for word in words)
