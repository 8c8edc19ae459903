"""Words by which names of persons are recognised: common given names and family names of many languages, and those that are ordinary words,
too. Not for: deciding what is a name (`names.py`).
"""

from __future__ import annotations

from trunkline.core.data.listed import words

_GIVEN = """
aaron abby abdul abdullah abel abigail abraham ada adam adele adeline aditi aditya adrian adriana adrien agata agnes agnieszka ahmad
ahmed aida aiden aiko aileen aisha aidan akash akira aksel alan alana alba albert alberto alec alejandra alejandro aleksander
aleksandra alessandra alessandro alessia alex alexa alexander alexandra alexandre alexandria alexis alfonso alfred alfredo ali alice
alicia alina alison allan allen allison alma alonso alvaro alyssa amal amalia amanda amara amber amelia amelie amina amir amira amit
amos amy ana anais anand ananya anastasia anders andre andrea andreas andreea andrei andres andrew andrzej andy angela angelica
angelina angelo angus anika anil anita anja anjali anke ann anna annabel anne annelies annette annie annika anouk anthony antje
anton antonella antonia antonio antony anya april arda ariana arianna ariel arjun arlene armand armando arnaud arne arnold arthur
arturo arun arvid asha ashley ashok asif aslan astrid athena aubrey audrey august augustin aurelie aurora axel ayesha aylin ayse
azra baptiste barbara barry bartosz basil bastian beata beatrice beatriz becky bella ben benedict benedikt benjamin bennett benoit
bernadette bernard bernd bernhard bert bertha beth bethany betty beverly bianca bill billy birgit bjorn blanca bob bobby bogdan
bonnie boris brad bradley brandon brenda brendan brent brett brian bridget brigitte britta brittany brooke bruce bruno bryan bryce
burak byron caitlin caleb callum calvin cameron camila camille carina carl carla carlo carlos carly carmen carol carole carolin
carolina caroline carolyn carrie carsten casey cassandra cathy catherine cecilia cecile cedric celia celine cesar chad chandra
chantal charlene charles charlie charlotte chelsea chen cheng cheryl chiara chloe chris christa christian christiane christina
christine christoph christophe christopher ciara cindy claire clara clarence clarissa claude claudia claudine claudio clayton
clement clemens cliff clifford clinton clive clyde cody colette colin colleen connie connor conor conrad constance cora corinna
corinne cornelia cory courtney craig cristian cristiano cristina crystal curtis cynthia cyril daisy dalia damian damien dan dana
daniel daniela daniele danielle danny dante daphne daria darius darlene darrell darren daryl dave david davide davina dawid dawn
dean deanna debbie deborah debra deepa deepak deirdre delia demi denis denise dennis derek derrick desmond destiny devin devon diana
diane dick diego dieter dietmar dilip dimitri dina dinesh dirk divya dmitri dmitry dolores dominic dominik dominika dominique don
donald donna dora doris dorothea dorothy doug douglas drew duncan dustin dwayne dwight dylan eddie edgar edith edmund eduardo edward
edwin eileen eino ekaterina elaine eleanor elena eleni eli elias elif elijah elin elisa elisabeth elise eliza elizabeth elke ella
ellen ellie elliot elliott elmar eloise elsa elsie elvira emanuel emanuele emeka emery emil emilia emilie emilio emily emma emmanuel
emmett emre enrico enrique eric erica erich erik erika erin ernest ernesto ernst esperanza esra esteban estelle esther ethan eugene
eugenia eva evan eve evelyn ewa ezra fabian fabiana fabien fabio fabrice faisal fatima fatma federica federico felicia felicity
felipe felix ferdinand fernanda fernando filip filippo finn fiona flavia flora florence florian floyd frances francesca francesco
francine francis francisca francisco franck francois francoise frank frankie franz franziska fred freddie frederic frederick
frederik freya frieda friedrich fritz gabriel gabriela gabriele gabriella gabrielle gareth garrett gary gavin gemma gene genevieve
geoff geoffrey georg george georges georgia georgina gerald geraldine gerard gerardo gerd gerhard gerry gertrude gianluca gianni
gilbert gilles gina ginger giorgia giorgio giovanna giovanni gisela giulia giuliano giulio giuseppe gladys glen glenda glenn gloria
gonzalo gordon graham grant greg gregor gregory greta gretchen grzegorz guadalupe guido guilherme guillaume guillermo gunnar gunter
gunther gustav gustavo guy gwen gwendolyn hailey hakan halina hamza hana hanna hannah hannes hans harald harold haroon harriet
harrison harry harsh harvey hasan hassan hazel heather hector heidi heike heiko heinrich heinz helen helena helene helga helmut
hendrik henri henrik henrietta henrique henry herbert herman hermann herve hilary hilda hildegard hiroshi holger holly hope horst
howard hubert hugh hugo humberto hussein ian ibrahim ida ignacio igor ike ilona ilse imran ines inga inge ingeborg ingo ingrid inka
inna irene irina iris irma isaac isabel isabell isabella isabelle isaiah ishaan isla ismael ismail istvan ivan ivana ivar ivo ivy
iwona jaap jack jackie jackson jacob jacqueline jacques jade jaime jake jakob jakub james jamie jan jana jane janet janice janina
janine jannik jan-peter jared jaroslav jasmin jasmine jason jasper javier jay jayden jayne jean jeanette jeanne jeannette jeff
jeffery jeffrey jelena jenna jennifer jenny jens jeremiah jeremy jerome jerry jesper jess jesse jessica jessie jill jim jimena jimmy
jin jiri jo joachim joan joana joanna joanne joao joaquin jochen jodie joe joel joelle joerg joey johan johann johanna johannes john
johnathan johnny jolanta jon jonah jonas jonathan jordan jordi jorg jorge jorgen joris jose josef josefina josep joseph josephine
josh joshua josie joy joyce juan juana juanita judith judy jules julia julian juliana juliane julie julien juliet juliette julio
julius june jurgen jussi justin justine justyna jutta kai kaitlyn kamal kamil kamila karel karen karin karina karl karla karsten
kasia kaspar kate katarina katarzyna katerina katharina katherine kathleen kathrin kathryn kathy katia katie katja katrin katrina
kavita kay kayla kazuki keira keith kelly kelsey kemal ken kendra kenji kenneth kenny kenta kerry kerstin kevin khadija khaled
khalid kieran kim kimberly kira kirk kirsten kirsty klara klaus knut konrad konstantin kostas kris krishna krista kristen kristian
kristin kristina kristine kristof kristoffer krystyna krzysztof kumar kurt kwame kyle kylie laila lakshmi lana lara larissa larry
lars latoya laura lauren laurence laurent lauri laurie lawrence lea leah leandro lee leila leif lena lennart lennox leo leon leona
leonard leonardo leonie leonor leroy leslie leticia lev levi lewis liam lidia liesbeth lila lilian liliana lilly lily lina linda
lindsay lindsey linnea linus lionel lisa lisbeth liselotte livia liz liza lloyd logan lois lola lorena lorenz lorenzo loretta lori
lorraine lothar lottie lou louis louisa louise luana luc luca lucas lucia lucian luciana luciano lucie lucien lucinda lucy ludmila
ludovic ludwig luigi luis luisa luiz lukas lukasz luke luna lutz luz lydia lyle lynda lynn mabel maciej madeleine madeline madhu
madison mads mae magda magdalena maggie magnus mahmoud maja makoto malcolm malgorzata malik malin manfred manish manoj manon manuel
manuela mara marc marcel marcela marcella marcello marcelo marcia marcin marco marcos marcus marek margaret margarita margaux margit
margot marguerite maria mariah mariam marian mariana marianne marie mariella marijke marika marilyn marina mario marion marisa
marisol marissa marit marjorie mark marko markus marlene marlies marlon marsha marta marten martha marthe marti martin martina
martine marvin mary maryam masato mateo mateus mateusz mathias mathieu mathilde matilda matteo matthew matthias matthieu matti
mattia maud maureen maurice mauricio maurizio max maxim maxime maximilian maxine may maya mayumi meera megan mehmet mei meike
melanie melinda melissa melvin mercedes meredith merle mette mia micah michael michaela michal michel michele michelle miguel mika
mikael mike mikhail mikko milan mildred milena miles milo milton mina minh mira miranda miriam miroslav mitchell moa mohamed
mohammad mohammed mohit moira molly mona monica monika monique morgan moritz mostafa muhammad murat muriel mustafa myra myriam nadia
nadine nadja nancy nanette naomi narendra nasrin natalia natalie nataliya natasha nathalie nathan nathaniel navid neha neil nelly
nelson nesrin neus nicholas nichole nick nicola nicolas nicole nicoletta nicolo niels nigel niklas nikola nikolai nikolaos nikolas
nikos nils nina nisha nitin noah noel noelle noemi nora norah norbert noreen norma norman nuno octavio odette ola olaf ole oleg
oleksandr olga olive oliver olivia olivier oluwaseun omar omer orla orlando oscar oskar osman osvaldo oswald otto owen pablo paige
pamela paola paolo pascal patrice patricia patrick patrik patrizia patsy paul paula paulina pauline paulo pavel pawel pearl pedro
peggy penelope penny per percy peter petr petra phil philip philipp philippa philippe phillip phoebe phyllis pia pierre pietro pilar
piotr polly pooja prakash pranav priscilla priya quentin rachael rachel rafael rafaela rafal rahul rainer raj rajesh rajiv ralf
ralph ramesh ramon ramona randall randy raphael raquel rashid rasmus raul ravi ray raymond rebecca reggie regina reginald reiko
reinhard reinhold rekha remi rena renate renato rene renee reto reuben rex rhonda ricardo riccardo richard rick ricky rita roanne
rob robbie robert roberta roberto robin rocio rod roderick rodney rodrigo roger rohan rohit roland rolf roman romain ron ronald
ronan ronnie rosa rosalie rosalind rosanna rosario rose roseanne roselyn rosemarie rosemary rosie ross roxana roxanne roy ruben ruby
rudi rudolf rudy rui rune rupert ruslan russell ruth ryan ryota sabina sabine sabrina sadie sahil said sakura salim sally salma
salvador salvatore sam samantha samir sammy samuel samuele sandeep sander sandra sandrine sandro sandy sanjay santiago santosh sara
sarah sarita sascha sasha saskia saul savannah scott sean sebastian sebastiaan selena selin selina selma serena serge sergei sergey
sergio seth severine shane shanice shannon sharon shaun shauna shawn sheila shelby shelley sheri sherry shirley shreya shu sid
sidney siegfried sienna sigrid silke silvana silvia silvio simon simona simone sinead siobhan sofia sofie solange sonia sonja sophia
sophie soren spencer stacey stacy stan stanislav stanley stefan stefania stefano steffen stella stephan stephane stephanie stephen
steve steven stewart stuart sue sunil sunita suresh susan susana susann susanna susanne susie suzanne svein sven svenja svetlana
swati sybille sydney sylvester sylvia sylvie sylwia tabitha tadeusz takashi takumi tamara tammy tanja tanya tara tariq tasha tatiana
tatjana ted terence teresa teri terrance terri terry tessa thea thelma theo theodor theodore theresa therese thiago thibault thierry
thijs thomas thorsten tia tiago tiffany till tilo tim timo timothy tina tobias toby todd tom tomas tomasz tommaso tommy toni tony
tonya torben tore torsten toshiro tracey traci tracy travis trent trevor trisha tristan troy trudy tuan tyler tyrone ulf ulla ulrich
ulrike uma umberto ursula usha uta ute uwe valentin valentina valeria valerie vanessa vasco veera venkat vera vernon veronica
veronika veronique vicente vicki vicky victor victoria vijay vikram viktor viktoria vincent vincenzo viola violet violeta virginia
virginie vishal vivek vivian vivien vivienne vladimir volker wade waldemar walter wanda warren wayne wendelin wendy werner wesley
whitney wiebke wilfred wilhelm will willem william willie wilma wilson winfried winnie winston wojciech wolfgang xavier ximena yan
yana yannick yara yasmin yasmine yolanda yosef yuki yuri yusuf yvette yvonne zachary zainab zara zbigniew zeynep zoe zofia elodie
pieter kofi kwasi ama esi yaw abena chidi ngozi tunde zoltan zsofia zuzana
"""

_FAMILY = """
abbott abdi acosta adams adeyemi agarwal aguilar ahmadi akhtar albrecht alexandrov allenby alonso alvarez andersen anderson
andersson antonov arslan ashworth atkinson aydin bahr bailey baker bakker balogun banerjee banks barbieri barnes barros bauer
baumann becker beckett benitez bennett bergman berg bernard bertrand bhatt bianchi blanchard blum boateng bonnet botha boucher
bouchard boyd bradley braun brennan brooks brown bruun bryant burke burns butler byrne caldwell calvo campbell cardoso carlson
carlsson carpenter carr carroll carter caruso castillo castro chakraborty chambers chandler chang chapman chaudhary chevalier
chowdhury christensen clarke cohen coleman collins colombo conti contreras cooper corbett costa cox crawford cruz cunningham
da-silva dahl daniels davies davis dawson dekker delgado demir denis desai diallo diaz dias dimitrov dixon dominguez doyle dubois
dufour dumont dupont durand dutta edwards ekstrom eriksen eriksson espinoza esposito estrada evans fernandes fernandez ferrari
ferreira ferrara fischer fisher fitzgerald fleming fletcher flores fontaine foster fournier fraser freeman friedman fuchs fuentes
gallagher gallo garcia gardner garnier gauthier gibson gill girard gomes gomez gonzales gonzalez graves greco greenberg griffin
griffiths gruber guerrero guerin gupta gustafsson gutierrez guzman haas hagen hall halvorsen hamilton hansen hansson harrison
hartmann harvey hashimoto hayashi hayes henderson henriksen hernandez herrera herrmann hicks higgins hoffman hoffmann holm holmes
horvat horvath howard huang huber hughes hussain ibrahim ivanov ivanova iyer jackson jacobs jacobsen jain jansen janssen jenkins
jensen jimenez johansen johansson johnson johnston jones jonsson joshi kaczmarek kaplan kapoor karlsson katz kaur kaya keller kelly
kennedy khan kim kimura klein kobayashi koch kovac kovacs kowalczyk kowalski kozlov kraus krishnan kristensen kruger kruger kumar
kuznetsov lam lambert lang larsen larsson laurent lebedev leclerc lefebvre lehmann leroy levy lewis li lim lin lindberg lindgren
lindqvist liu lombardi lopez lorenz lozano ludwig luna lund lundgren maas macdonald mackenzie maclean madsen mahmood maier malik
mancini mariani marino marshall martinelli martinez martins mason matsumoto matthews mazur mccarthy mcdonald mckenzie mclaughlin
medina mehta meier mendes mendez mendoza mercier merkel meyer meyers miller mills mitchell mohamed molina moller montgomery moore
morales moreau morel moreno moretti morgan mori morris morrison moser muller muller munoz murphy murray nakamura navarro naidoo nair
ndiaye nelson neumann nguyen nicholson nielsen nikolaidis nilsson novak novotny nowak nunez nwosu o'brien o'connor o'neill obi ochoa
okafor okeke okonkwo oliveira olsen olson olsson ortega ortiz osei otieno owens ozturk ozturk pacheco padilla palmer papadopoulos
park parker patel patil patterson pavlov pedersen peeters pena perera pereira perez perkins perrin persson petersen peterson petit
petrov petrova petrovic pham phillips pierce pietersen pinto popescu popov porter powell prieto quinn ramirez ramos rao rasmussen
reddy reed reyes reynolds ribeiro ricci richards richardson richter riley rios rivera rizzo robert roberts robertson robinson rocha
rodrigues rodriguez rogers rojas romano romero rossi rousseau roux rowe roy rubio ruiz russo saito salazar sanchez sanders sanderson
santana santos sanz sato sauer schafer schaefer schmid schmidt schmitt schmitz schneider scholz schroder schroeder schubert schulte
schultz schulz schuster schwarz schweizer serrano sharma shah shapiro shaw sheikh shimizu shrestha silva simmons simon simpson singh
skov smirnov smit smith smits snyder soares sokolov solberg sorensen soto sousa stein steiner stephens stewart strand sullivan
suzuki svensson swanson szabo szymanski takahashi tan tanaka taylor teixeira thapa thomas thompson thomsen thomson torres toth tran
tremblay tucker turner ueda vaidya valdez valentini van-dijk vargas vasquez vazquez vega vidal visser vogel volkov wagner walker
wallace walsh walters wang ward wagner watanabe watson weaver weber webb weiss wells werner whitaker white williams williamson
willis wilson winkler winter wojcik wolf wolff wong wright wu xu yadav yamada yamamoto yang yildirim yilmaz yilmaz yoshida young
yusuf zhang zhao zhou zhu ziegler zimmerman zimmermann
"""

_ORDINARY = """
claude alexa jasper siri gemini llama mistral cohere aria oscar albert ada bard della sandro perry amos max eva otto lana kira mika
remi luna nova arda jade ruby julia perl swift django flask gunnar alba alma amber angel angelo april art asia athena august aurora
austin basil bill blanca blue bob brad brook brooke carol casey cesar chad chance charlotte chase chelsea china chip christian cliff
clay crystal curtis daisy dale dallas dan dante dawn dean destiny devon diamond dick don drew duke earl ed eden ernest essence eve
faith flora florence ford frank freya gene genesis georgia ginger glen gloria grace grant guy hamza harmony harsh haven hazel heath
heather heaven herb hope hunter ida ike india iris israel ivy jack jackson jade jamaica jasmine jason jay jean jersey jesus jet joe
jordan joy june justice kai kay kent king kirk kenya lance laurel lea lee leo liberty lily lincoln lou luna luz mae major marina
mark marsh martin mars max may melody mercedes mercy merit mia miles milan minh mina misty moa nelson nick nile noble norm nova
olive orlando page paige paris pat patience pearl penny per peg phoenix pierce piper poppy porter prince prudence python quest
rainbow ray reed rex rich river rob robin rocky rod roman rose rowan ruby rust rusty saffron sage said san savannah sandy sierra sid
sky smith sol sophia star stella sterling stone sue summer sunny sydney temple terry tim tom tony tore trinity troy tyler uma urban
val van verity victor victoria viola violet virginia wade walker wang ward warren washington wayne wesley will winnie winter wren
young zen zion long white black brown green gray grey king bishop cook baker butler carter fisher foster gardner hall hill hunter
lake lane marshall mason miller moore page park parker porter potter price reed reid rivers robins rose sharp shepherd short small
stone summers taylor turner walker ward waters webb wells west wood woods banks brooks cross field fields flowers ford forest fox
glass gold graves hart knight leaf love mills moon north nelson parks pond rice rush sands simple singer south speed spring steel
strong swan swift tank tate temple thorn tower underwood virgin weaver winters wise wolf workman lang klein koch kraus gross jung
kurz weiss schwarz braun berg stein vogel simon roman paul robert thomas li lin lim kim tan lam obi strand holm lund roy denis
santana luna vega soto costa castro cruz rocha silva mori
"""

GIVEN = words(_GIVEN)
FAMILY = words(_FAMILY)
ORDINARY = words(_ORDINARY)
"""Names that are words, places or brands as well: alone they prove little."""

NOT_FAMILY = words(
    "a about account ads after again agreement airlines airport alert all also am an analytics and android api app apple apps are "
    "arena army art as asks assistant at auto avenue bank bar bay be beach because before belt best big bill blog board book "
    "books boulevard box bridge brothers bug build building bus business but button by cafe called came campus can capital card "
    "care castle cathedral center central centre chain champion chapter chat check church circle city claims class clause "
    "cleaners click client clinic close cloud club coast code coffee college come comes commission committee company computer "
    "conference confirmed contract control corp corporation could council country county course court cream credit cup customer "
    "dam dance data database date day days deal dear delivery department description desktop did digital dinner direct disease "
    "district doctor does drive driver due east economy edition edward-island effect election electric email energy engine error "
    "estate evening event events every exchange express fashion fault festival field fields file film financial fire first flight "
    "food football for form forum foundation four framework friday from fruit fund future gallery game games garden gardens gas "
    "gate general get girl give global go gold golf good got grade great green group guide gulf had hall happy harbor harbour "
    "hard has have he health heart help her here high highway hill hills his history holiday home hospital host hotel hour hours "
    "house how i if im image in inc index industries information inn inside institute insurance international internet interview "
    "into invoice is island islands issue it items january jazz job journal july june just key keys kingdom kitchen know lab labs "
    "lake land language last laugh law league learning left legal let level library license life light like limited line link "
    "list live local logic logo london loop love ltd machine magazine mail main make mall manager many map march marathon market "
    "marketing mart master may maybe me media medical meeting memorial message method middle might mill million mine mobile mode "
    "model monday money month months more morning most motors mountain mountains movie museum music must my nation national need "
    "network never new news next night no north not notes notice now number of office often oil old olympics on one online only "
    "open opera or orange order orders our out oven over page palace panel paper parade paradise park part parts party pass "
    "password path patient pay payment peninsula people period person phone photo pizza place plan planet plant plaza please pm "
    "point police policy polo pool port post power practice premium present press price pro process product products profile "
    "program project protocol province public queen question quickly radio rail railway rate read ready real reality recent "
    "record red refund region release remote report republic request research reservation reserve resort restaurant results "
    "return review right ring river road rock room rose round route rule sale sales same santa saturday says school science "
    "script sea season second secretary section security see sent september series server service services session set she shop "
    "shopping should show sign silver site sky so software solutions some song sound source south space springs square stadium "
    "staff star start state states station still stock stone store stories storm story street strip studio studios style such "
    "suite summer summit sun sunday support sure surf sushi swift system systems table tax team tech technologies technology "
    "temple terms test texas thanks that the theater theatre their them then there these they thing this those though thursday "
    "ticket time times to today told tomorrow too tool top total tower towers town track trade trail train travel tree trip trust "
    "tuesday two type under union united university until up update upon us use used user valley version very via video view "
    "village vineyard virtual vista visit wall want wants war was watch water wave way we weather web website wednesday week "
    "weekend weeks welcome well went were west what wheel when where which while who why wife will window windows wine winter "
    "wishes with within without woman women wood work world would write year years yes yesterday yet you your youth zoo zone"
)
"""Words behind a given name that show that it was none: a place, a product, the begin of a sentence."""
