/** 2048 distinct common words of 3 to 7 letters: eleven bits a word. Lower-case ASCII, so that any keyboard types them. */
export const passphraseWords: readonly string[] = `
able about above acid acorn acre across act actor add adjust admire adult advice after again age agent agree ahead air aisle alarm
album alert alike alive alley allow almond alone along alpha alpine also amber amount ample amuse anchor angel angle animal ankle
annual answer ant antler anvil any apart apple april apron arcade arch archer arctic area arena argue arm armor army aroma arrest
arrive arrow art artist ash ask asleep aspen atlas atom attach attend attic august aunt author autumn avenue avoid awake award
aware away axis axle baby back bacon badge badger bag bake baker ball ballet bamboo banana band banjo bank banner bar barber bare
bark barley barn barrel base basic basil basin basket bass bat batch bath bay beach beacon bead beak beam bean bear beard beat
beauty beaver become bed bee beech beef beetle before begin behave behind beige bell belong below belt bench bend berry beside
best better beyond big bike bill bind birch bird birth bishop bit bite bitter black blade blank blast blaze blend bless blink
block bloom blow blue bluff blunt blush board boat body boil bold bolt bond bone bonnet bonus book boost boot border borrow boss
both bottle bottom bounce bow bowl box boy brace brain brake branch brass brave bread break breeze brick bride bridge brief bright
bring brisk broad bronze brook broom brown brush bubble bucket buckle bud budget build bulb bull bumper bunch bundle bunny burger
burst bus bush busy butter button buyer buzz cabbage cabin cable cactus cafe cage cake calf call calm camel camera camp canal
candle candy cane canoe canvas canyon cap cape car carbon card care cargo carpet carrot carry cart carve case cash castle casual
cat catch cattle cause cave cedar celery cell cellar cello cement cent center cereal chain chair chalk chance change chapel charge
charm chart chase cheap check cheek cheer cheese chef cherry chess chest chew chief child chili chime chin chip choice choir
choose chorus cider cinema circle circus city civil claim clam clap class claw clay clean clear clerk clever cliff climb clinic
clip cloak clock close cloth cloud clover clown club clue coach coal coast coat cobalt cobra cocoa code coffee coil coin cold
collar color column comb come comedy comet comic common cone cook cookie cool copper copy coral cord core cork corn corner cost
cottage cotton couch cough count couple course court cousin cover cow cowboy coyote crab cradle craft crane crater crayon cream
create credit creek crew crisp crop cross crow crowd crown cruise crumb crunch crust cube cuckoo cup curl curve custom cut cycle
daily dairy daisy damp dance dandy dare dark dart data date dawn day deal dear debate decade decide deck deep deer define degree
delay delta dense depth desert design desk detail device dial diary dice diesel diet digital dill dime dinner dip direct dirt dish
ditch dive divide dock doctor dog doll dollar domain dome donkey donor door dot double dough dove down dozen draft dragon drama
draw drawer dream dress drift drill drink drive driver drop drum dry duck due dune during dusk dust duty dwarf dynamo each eager
eagle early earn earth easel east easy echo edge editor effort egg eight either elbow elder elect eleven elf elite elk elm else
embark ember empire employ empty enable end energy engine enjoy enough enter entire entry epic equal era eraser errand escape
essay estate even event ever every exact exceed except excite exist exit expand expect expert export express extend extra eye
fabric face fact fair fairy faith falcon fall fame family famous fan fancy far farm farmer fast father faucet favor feast feed
feel fellow felt fence fern ferry fetch fever fiber fiddle field fig figure file fill film filter final find fine finger finish
fir fire firm first fish fit five fix flag flame flash flat flavor fleece fleet flight flint flip float flock floor flour flow
flower fluid flute fly foam focus fog foil fold folk follow food foot force forest forget fork form fort forum fossil found four
fox frame free freeze fresh friend fringe frog front frost frozen fruit fuel full fun fund funnel fur future gadget gain galaxy
gallon game garage garden garlic gas gate gather gauge gear gem genius gentle giant gift ginger giraffe girl give glad glance
glass glaze gleam glide globe glory glove glow glue goal goat gold golf good goose gospel gossip govern gown grace grade grain
grand grant grape graph grass gravel gravy gray great green greet grid grill grin grip groove ground group grove grow guard guava
guess guest guide guitar gulf gull gust gym habit hail hair half hall halo hamlet hammer hand handle hang happen happy harbor hard
hare harp hat hatch hawk hay hazel head health heap hear heart heat heavy hedge heel height helmet help hen herb herd here hero
heron hidden high hike hill hint hip hobby hockey hold hole hollow holly home honest honey hood hoof hook hop hope horn horse hose
host hot hotel hour house hover huge human humble humor hurdle hurry husky hut hybrid ice icicle icon idea ideal idle igloo image
impact import inch income indeed index indigo indoor infant inform ink inn inner input insect inside instant intact invent invest
invite iris iron island issue item ivory ivy jacket jade jaguar jam jar jaw jazz jeans jelly jewel jigsaw job jockey jog join joke
jolly joy judge juggle juice july jumbo jump june jungle junior jury just kayak keen keep kennel kernel kettle key kick kid kidney
kind king kiosk kite kitten kiwi knee knife knight knit knock knot know koala label labor lace ladder lady lagoon lake lamb lamp
land lane laptop large lark laser last late latin laugh launch laurel lava law lawn lawyer layer lazy lead leader leaf league lean
leap learn leave left leg legend lemon lend length lens lentil lesson letter level lever lid life lift light lilac lily limb lime
limit line linen link lion lip liquid list listen little live lively liver lizard llama load loaf loan lobby local lock locket
lodge lofty logic long look loop loose lotion lotus loud lounge love loyal lucky lumber lunar lunch lung lute luxury lyric machine
magic magnet maid mail main major make mammal man manage mango manner mantle manual maple marble march margin marina marine mark
market marsh mask mason master mat match matter may mayor maze meadow meal mean meat medal media medium meet mellow melody melon
member memory mend mentor menu mercy merge merit merry mesh metal meteor method metric middle might mild mile milk mill mimic mind
mine minor mint minute mirror misty mitten mix mobile model modern modest moment monday money monkey month moon moose moral more
mosaic moss most motel moth mother motion motor mount mouse mouth move movie much mud muffin mule muscle museum music mutual myth
nail name napkin narrow nation native nature near neat neck nectar need needle neon nephew nerve nest net never new news next nice
nickel niece night nimble nine noble nod noise noodle noon normal north nose note notice novel now number nurse nut nutmeg nylon
oak oar oasis oat object oblige obtain ocean octopus odd offer office often oil okay old olive omelet once onion only onyx open
opera option orange orbit orchid order organ origin other otter ounce our out outer output oval oven over owl own owner oxygen
oyster pace pack paddle page paint pair palace pale palm pan panda panel panic pansy paper parade parcel pardon parent park parrot
part party pass past pasta paste pastry patch path patio patrol pause pave paw pea peace peach peak peanut pear pearl pebble pecan
pedal pen pencil people pepper period permit person pet petal phase phone photo phrase piano picnic pie piece pier pigeon pile
pillow pilot pin pine pink pint pioneer pipe pitch pizza place plain plan planet plank plant plate play plaza please plenty plot
plow plug plum plus pocket poem poet point polar pole police polish polite pond pony pool poplar poppy porch port portal pose post
pot potato pouch powder power praise prefer press pretty price pride prince print prism prize profit promise proof proper proud
public puddle pull pulse pump pupil puppet puppy pure purple purse push puzzle quail quaint quart quartz queen quest quick quiet
quilt quince quit quite quiver quiz quota quote rabbit race rack radar radio radish raft rail rain raise raisin rake rally ram
ranch random range rapid rare rather raven raw ray razor reach react read ready real reason rebel recall recipe record red reduce
reef reform region regret relax relay relief rely remain remark remedy remind remote remove render renew rent repair repeat reply
report rescue resist resort result retire return reveal review reward rhyme rhythm ribbon rice rich ride ridge right rigid ring
rinse ripe ripple rise rival river road roast robe robin robot rock rocket rodeo role roll roof room root rope rose rotate rough
round route row royal rubber ruby rudder rug rugby ruin rule rumor run runner rural rush rust rye sable sack saddle safari safe
sail salad salmon salon salt salute same sample sand sandal sardine satin saturn sauce save saw say scale scan scarf scene scenic
scent school scoop score scout scrap screen screw script scroll scrub sea seal search season seat second secret secure see seed
seek select self sell senior sense sequel series serve set settle seven shade shadow shaft shake shape share shark sharp shed
sheep sheet shelf shell shield shift shine ship shirt shoe shop shore short shout shovel show shower shrimp shrub shy side sight
sign signal silent silk silly silver simple since sing siren sister six size skate sketch ski skill skin skirt sky slate sled
sleep sleeve slender slice slide slim slogan slope slow small smart smell smile smoke smooth snack snail snake snow soap soccer
social sock soda sofa soft soil solar solid solo solve some son song sonic soon sort soul sound soup source south space spare
spark speak speech speed spell spend sphere spice spider spike spin spiral spirit splash split sponge spoon sport spot spray
spread spring sprout spruce square squash stable staff stage stair stamp stand staple star start state statue stay steady steak
steam steel steep stem step stereo stew stick still sting stir stock stone stool stop store storm story stove straw stream street
string strip strong studio study stuff sturdy style submit subtle suburb subway such sudden sugar suit summer summit sun sunday
sunny sunset super supper supply sure surf survey sushi swamp swan swap sweet swift swim swing switch symbol syrup system table
tablet tackle tactic tailor take talent talk tall tame tango tank tape target task taste tavern taxi tea teach team teapot tell
temple ten tenant tender tennis tenor tent term terrace test text thank theme then theory there thick thin thing think third
thirty thorn thread three thrive throat throne throw thumb thyme ticket tide tidy tiger tile tilt timber time tin tiny tip tired
tissue title toast today toe toffee token tomato tone tongue tonic tool tooth top topaz topic torch total touch tough tour toward
towel tower town toy track trade trail train trait travel tray treat tree trend trial tribe trick trim trio trip trophy trout
truck true trunk trust truth try tube tulip tuna tundra tunnel turkey turn turnip turtle tutor twelve twenty twig twin twist two
type uncle under unfold union unique unit unite unlock until update upper upset urban urge urgent use useful usual vacant vacuum
valid valley value valve vapor vase vault velvet vendor venture venus verb verse vessel vest video view villa vine viola violet
violin virtue vision visit visual vital vivid vocal voice volume vote voyage wafer wage wagon waist wait wake walk wall wallet
walnut walrus waltz wander want warm wash wasp watch water wave wax way wealth wear weasel weave week weigh well west whale wharf
wheat wheel when white whole wicker wide width wife wild willow win wind window wine wing winner winter wire wisdom wise wish
wizard wolf wonder wood wool word work world worth wrap wreath wrestle wrist write yacht yard yarn year yeast yellow yes yew
yogurt yolk young youth zebra zenith zephyr zero zigzag zinc zipper zone zoo
`
  .trim()
  .split(/\s/);
